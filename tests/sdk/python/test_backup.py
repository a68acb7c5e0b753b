"""Backup, restore, verify: of servers that serve, with either kind of database."""

import hashlib
import json
import os
import subprocess
import time

import pytest

from harness.clients import Clients
from harness.exports import Load
from harness.server import ChimeServer, binary
from harness.world import World


def run(*arguments):
    """Status and both outputs of a command of the server."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHIME_")}
    done = subprocess.run([binary(), *map(str, arguments)], env=environment, capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


class Place:
    """A data directory and a database of some kind."""

    def __init__(self, data_dir, url=None):
        self.data_dir = data_dir
        self.server = ChimeServer(data_dir, database=url, test_clock=False)
        self.settings = ["--data-dir", data_dir, *(["--database", url] if url else [])]

    def backup(self, to):
        return run("backup", *self.settings, "--to", to)

    def restore(self, backup):
        return run("restore", *self.settings, "--from", backup)

    def verify(self):
        return run("verify", *self.settings)


@pytest.fixture
def place(request, tmp_path):
    """`place(kind)`: a new one."""
    places = []

    def make(kind):
        url = None
        if kind == "postgres":
            postgres = request.getfixturevalue("postgres")
            url = postgres.url(postgres.database())
        places.append(Place(tmp_path / f"data-{len(places)}", url))
        return places[-1]

    yield make
    for each in places:
        each.server.kill9()
        assert not each.server.panicked(), each.server.panicked()


def world_of(server, world):
    """The same world, on another server."""
    other = World.__new__(World)
    other.clients = Clients(server)
    other.app, other.identity, other.messaging = world.app, other.clients.identity, other.clients.messaging
    return other


@pytest.mark.parametrize(("source", "target"), [("sqlite", "sqlite"), ("postgres", "postgres"), ("sqlite", "postgres"),
                                                ("postgres", "sqlite")])
def test_a_backup_under_load_is_restored_to_the_same_state_and_serves(place, tmp_path, source, target):
    one, other = place(source), place(target)
    one.server.start()
    world = World(Clients(one.server))
    alice = world.user("alice")
    channels = [world.channel(alice) for _ in range(3)]
    before = {channel: [world.send(channel, alice, "0")] for channel in channels}
    load = Load(world, alice, channels)
    time.sleep(1)
    acknowledged = {channel: list(numbers) for channel, numbers in load.acknowledged.items()}
    status, backed_up, error = one.backup(tmp_path / "backup")
    assert status == 0, error
    time.sleep(0.3)
    sent = load.stop()
    assert run("verify", "--backup", tmp_path / "backup") == (0, backed_up, "")
    status, now, _ = one.verify()
    assert status == 0 and now != backed_up, "the load went on"
    assert other.restore(tmp_path / "backup") == (0, backed_up, "")
    assert other.verify() == (0, backed_up, "")
    other.server.start()
    restored = world_of(other.server, world)
    for channel in channels:
        found = [int(each) for each in restored.messages(channel, alice, SortOrder="ASCENDING")]
        assert before[channel] and found[0] == 0
        assert found[1:] == sent[channel][:len(found) - 1], "a beginning of what was sent, in order"
        assert set(acknowledged[channel]) <= set(found), "all that was acknowledged before the backup"
    restored.send(channels[0], alice, "1")
    restored.send(restored.channel(alice), alice, "in a new channel")


def test_a_state_is_the_same_on_its_way_through_both_kinds_of_database(place, tmp_path):
    first = place("sqlite")
    first.server.start()
    world = World(Clients(first.server))
    alice, bob = world.admin("alice"), world.user("bob")
    channel = world.channel(alice, MemberArns=[bob])
    sent = [world.send(channel, alice, str(n)) for n in range(20)]
    world.messaging.delete_channel_message(ChannelArn=channel, MessageId=sent[3], ChimeBearer=alice)
    messages = world.messages(channel, bob)
    assert len(messages) == 19
    first.server.stop()
    status, state, error = first.verify()
    assert status == 0, error
    places = [first, place("postgres"), place("postgres"), place("sqlite")]
    for step in range(3):
        backup = tmp_path / f"backup-{step}"
        assert places[step].backup(backup) == (0, state, "")
        assert f"state {hashlib.sha256((backup / 'state').read_bytes()).hexdigest()}" == state
        assert places[step + 1].restore(backup) == (0, state, "")
        assert places[step + 1].verify() == (0, state, "")
    last = places[-1]
    last.server.start()
    assert world_of(last.server, world).messages(channel, bob) == messages


def test_a_state_is_restored_only_into_an_empty_postgres_that_nobody_serves(place, tmp_path):
    one = place("postgres")
    one.server.start()
    World(Clients(one.server)).user("alice")
    assert one.backup(tmp_path / "backup")[0] == 0
    other = Place(tmp_path / "elsewhere", one.server.database)
    status, _, error = other.restore(tmp_path / "backup")
    assert status == 1 and "another node uses the database" in error, error
    one.server.stop()
    state = one.verify()
    assert state[0] == 0
    other = Place(tmp_path / "elsewhere too", one.server.database)
    status, _, error = other.restore(tmp_path / "backup")
    assert status == 1 and "not empty" in error, error
    assert one.verify() == state


def test_a_damaged_backup_is_refused_and_leaves_nothing(place, tmp_path):
    one = place("postgres")
    one.server.start()
    World(Clients(one.server)).user("alice")
    backup = tmp_path / "backup"
    status, state, _ = one.backup(backup)
    assert status == 0
    whole = (backup / "state").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (whole[:-1], whole + b"\0", bytes(flipped)):
        (backup / "state").write_bytes(damaged)
        assert run("verify", "--backup", backup)[0] == 1
        for kind in ("sqlite", "postgres"):
            other = place(kind)
            status, _, error = other.restore(backup)
            assert status == 1 and "the backup" in error, error
            assert other.verify()[0] == 1, "nothing is there"
            assert not other.data_dir.exists()
    (backup / "state").write_bytes(whole)
    assert other.restore(backup) == (0, state, "")


def test_what_is_not_whole_is_refused(tmp_path):
    server = ChimeServer(tmp_path / "data").start()
    World(Clients(server)).user("alice")
    assert run("backup", "--data-dir", server.data_dir, "--to", tmp_path / "backup")[0] == 0
    status, _, error = run("backup", "--data-dir", server.data_dir, "--to", tmp_path / "backup")
    assert status == 1 and "exists" in error, error
    status, _, error = run("restore", "--from", tmp_path / "backup", "--data-dir", server.data_dir)
    assert status == 1 and "exists" in error, error
    server.stop()
    manifest = tmp_path / "backup" / "backup.json"
    text = manifest.read_text()
    manifest.write_text(json.dumps({**json.loads(text), "State": "0" * 64}))
    assert run("verify", "--backup", tmp_path / "backup")[0] == 1
    status, _, error = run("restore", "--from", tmp_path / "backup", "--data-dir", tmp_path / "new")
    assert status == 1 and "was made of" in error and not (tmp_path / "new" / "chime.db").exists(), error
    manifest.unlink()
    status, _, error = run("verify", "--backup", tmp_path / "backup")
    assert status == 1 and "not a finished backup" in error, error
    manifest.write_text(text)
    status, _, error = run("backup", "--database", "memory:", "--data-dir", tmp_path / "m", "--to", tmp_path / "b2")
    assert status == 1 and "memory" in error, error
