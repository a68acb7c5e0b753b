"""Backup, restore, verify: of a server that serves."""

import json
import os
import subprocess
import time

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


def test_a_backup_under_load_is_restored_to_the_same_state_and_serves(tmp_path):
    server = ChimeServer(tmp_path / "data", test_clock=False).start()
    other = ChimeServer(tmp_path / "other", test_clock=False)
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channels = [world.channel(alice) for _ in range(3)]
        before = {channel: [world.send(channel, alice, "0")] for channel in channels}
        load = Load(world, alice, channels)
        time.sleep(1)
        acknowledged = {channel: list(numbers) for channel, numbers in load.acknowledged.items()}
        status, backed_up, error = run("backup", "--data-dir", server.data_dir, "--to", tmp_path / "backup")
        assert status == 0, error
        time.sleep(0.3)
        sent = load.stop()
        assert run("verify", "--backup", tmp_path / "backup") == (0, backed_up, "")
        status, now, _ = run("verify", "--data-dir", server.data_dir)
        assert status == 0 and now != backed_up, "the load went on"
        assert run("restore", "--from", tmp_path / "backup", "--data-dir", other.data_dir) == (0, backed_up, "")
        assert run("verify", "--data-dir", other.data_dir) == (0, backed_up, "")
        other.start()
        restored = World.__new__(World)
        restored.clients = Clients(other)
        restored.messaging = restored.clients.messaging
        for channel in channels:
            found = [int(each) for each in restored.messages(channel, alice, SortOrder="ASCENDING")]
            assert before[channel] and found[0] == 0
            assert found[1:] == sent[channel][:len(found) - 1], "a beginning of what was sent, in order"
            assert set(acknowledged[channel]) <= set(found), "all that was acknowledged before the backup"
        restored.send(channels[0], alice, "1")
    finally:
        server.kill9()
        other.kill9()


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
    database = tmp_path / "backup" / "chime.db"
    content = bytearray(database.read_bytes())
    content[3 * 4096:] = b"\xa5" * (len(content) - 3 * 4096)
    database.write_bytes(content)
    assert run("verify", "--backup", tmp_path / "backup")[0] == 1
    status, _, error = run("backup", "--database", "memory:", "--data-dir", tmp_path / "m", "--to", tmp_path / "b2")
    assert status == 1 and "memory" in error, error
