"""Faults: kill -9 under load, a full disk, a drained shutdown. On SQLite, the default store."""

import os
import subprocess
import threading
import time
import uuid

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from harness.clients import Clients, quoted, send, token
from harness.server import ChimeServer
from harness.sockets import open_socket
from harness.world import World

ROUNDS = int(os.environ.get("CHIME_KILL_ROUNDS", "5"))
SENDERS = 4


class Load:
    """Senders that note which messages were acknowledged, until they are told to stop or the server dies."""

    def __init__(self, world, channel, bearer):
        self.world, self.channel, self.bearer = world, channel, bearer
        self.acknowledged, self.unexpected = {}, []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(SENDERS)]
        for each in self._threads:
            each.start()

    def _run(self, sender):
        clients = Clients(self.world.clients.server)
        serial = 0
        while not self._stop.is_set():
            content = f"{sender}-{serial}-{uuid.uuid4().hex}"
            serial += 1
            try:
                answer = clients.messaging.send_channel_message(
                    ChannelArn=self.channel, Content=content, Type="STANDARD", Persistence="PERSISTENT",
                    ChimeBearer=self.bearer, ClientRequestToken=token())
            except BotoCoreError:
                return
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 429:
                    time.sleep(0.05)
                    continue
                self.unexpected.append(error)
                return
            self.acknowledged[answer["MessageId"]] = content

    def stop(self):
        self._stop.set()
        for each in self._threads:
            each.join(30)


def test_kill_9_under_load_loses_no_acknowledged_message(tmp_path):
    server = ChimeServer(tmp_path / "data").start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channel = world.channel(alice)
        acknowledged = {}
        for kill in range(ROUNDS):
            load = Load(world, channel, alice)
            time.sleep(0.8 + 0.37 * kill)
            server.kill9()
            load.stop()
            assert load.acknowledged, f"nothing was acknowledged before kill {kill}"
            assert not load.unexpected, load.unexpected
            acknowledged |= load.acknowledged
            server.start()
            stored = {each["MessageId"]: each["Content"] for each in world.listed(channel, alice)}
            lost = {key: value for key, value in acknowledged.items() if stored.get(key) != value}
            assert not lost, f"kill {kill}: {len(lost)} of {len(acknowledged)} acknowledged messages are gone"
            order = [each["CreatedTimestamp"] for each in world.listed(channel, alice, SortOrder="ASCENDING")]
            assert order == sorted(order)
    finally:
        server.kill9()


def test_after_a_kill_the_server_delivers_and_accepts_again(tmp_path):
    server = ChimeServer(tmp_path / "data").start()
    try:
        world = World(Clients(server))
        alice, bob = world.users("alice", "bob")
        channel = world.channel(alice, MemberArns=[bob])
        server.kill9()
        server.start()
        with open_socket(server, bob) as watching:
            world.send(channel, alice, "again")
            assert watching.until("CREATE_CHANNEL_MESSAGE").payload["Content"] == "again"
    finally:
        server.kill9()


def test_the_same_token_after_a_kill_finds_the_acknowledged_message(tmp_path):
    server = ChimeServer(tmp_path / "data").start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channel, same = world.channel(alice), token()

        def say():
            return world.messaging.send_channel_message(ChannelArn=channel, Content="c", Type="STANDARD",
                                                        Persistence="PERSISTENT", ChimeBearer=alice,
                                                        ClientRequestToken=same)["MessageId"]

        first = say()
        server.kill9()
        server.start()
        assert say() == first
        assert world.messages(channel, alice) == ["c"]
    finally:
        server.kill9()


def test_sigterm_under_load_drains_and_loses_nothing(tmp_path):
    server = ChimeServer(tmp_path / "data").start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channel = world.channel(alice)
        load = Load(world, channel, alice)
        time.sleep(1)
        server.stop()
        load.stop()
        assert all(error.response["ResponseMetadata"]["HTTPStatusCode"] == 503 for error in load.unexpected)
        server.start()
        stored = {each["MessageId"] for each in world.listed(channel, alice)}
        assert set(load.acknowledged) <= stored
    finally:
        server.kill9()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MB of its own. Without the right to mount one there is no honest test: it fails."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True,
                          text=True)
    if made.returncode != 0:
        pytest.fail(f"the full-disk test must mount a small tmpfs and may not: {made.stderr.strip()}; "
                    "run it as root with CAP_SYS_ADMIN")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder, leave):
    """A filler file that leaves this many bytes."""
    stat = os.statvfs(folder)
    size = max(stat.f_bavail * stat.f_frsize - leave, 0)
    with open(folder / "filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, size)


def test_a_full_disk_answers_503_and_the_server_recovers_without_a_restart(small_disk):
    server = ChimeServer(small_disk / "data").start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channel = world.channel(alice)
        kept = world.send(channel, alice, "before")
        fill(small_disk, leave=256 * 1024)
        path = f"/channels/{quoted(channel)}/messages"
        acknowledged, refused = [], None
        for n in range(2_000):
            answer = send(server, "POST", path, {
                "Content": f"{n} ".ljust(4000, "x"), "Type": "STANDARD", "Persistence": "PERSISTENT",
                "ClientRequestToken": token()}, bearer=alice)
            if answer.status == 429:
                time.sleep(0.05)
                continue
            if answer.status != 201:
                refused = answer
                break
            acknowledged.append(answer.json["MessageId"])
        assert refused is not None, "the disk was never full"
        assert (refused.status, refused.error) == (503, "ServiceUnavailableException"), refused
        assert refused.json["Message"] and refused.headers["Retry-After"]
        assert world.message(channel, kept, alice)["Content"] == "before", "reading goes on"
        assert server.http("GET", "/livez")[0] == 200
        (small_disk / "filler").unlink()
        until = time.monotonic() + 15
        while True:
            answer = send(server, "POST", path, {"Content": "after", "Type": "STANDARD", "Persistence": "PERSISTENT",
                                                 "ClientRequestToken": token()}, bearer=alice)
            if answer.status == 201:
                break
            assert time.monotonic() < until, f"no recovery within 15 s of room being made: {answer}"
            time.sleep(0.2)
        stored = {each["MessageId"] for each in world.listed(channel, alice)}
        assert set(acknowledged) <= stored
        server.stop()
        server.start()
        assert set(acknowledged) <= {each["MessageId"] for each in world.listed(channel, alice)}
    finally:
        server.kill9()
