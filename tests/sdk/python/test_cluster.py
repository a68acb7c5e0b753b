"""Several servers on one Postgres: what clients see of them, also when parts of them fail."""

import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from harness import clock
from harness.clients import Clients, token
from harness.cluster import ROOT_KEY, Load, Watcher, check, until
from harness.server import binary
from harness.sockets import open_socket
from harness.world import World


class Room:
    """Users and channels for a load, and watchers on every node."""

    def __init__(self, nodes, channels=2):
        self.nodes = nodes
        self.world = World(Clients(nodes[0]))
        self.alice, *self.others = self.world.users("alice", "bob", "carol", "dave")
        self.channels = [self.world.channel(self.alice, MemberArns=self.others) for _ in range(channels)]
        self.watchers = []

    def watch(self, *places):
        for user, place in zip(self.others, places, strict=False):
            nodes = [self.nodes[place]] if isinstance(place, int) else [self.nodes[n] for n in place]
            self.watchers.append(Watcher(nodes, user))
        return self.watchers

    def load(self, **options):
        return Load(self.nodes, self.channels, self.alice, **options)

    def finish(self, load, alive=None):
        """Stops the load, waits for what is under way, and compares."""
        load.stop()
        for watcher in self.watchers:
            if not watcher.codes:
                until("the last messages", lambda watcher=watcher: watcher.count() >= len(load.sent))
        time.sleep(0.3)
        for watcher in self.watchers:
            watcher.stop()
        world = self.world if alive is None else World.__new__(World)
        if alive is not None:
            clients = Clients(alive)
            world.clients, world.identity, world.messaging = clients, clients.identity, clients.messaging
        check(world, load, self.watchers, self.channels, self.alice)


def test_what_is_sent_through_one_node_reaches_sockets_on_all_once_and_in_order(cluster):
    nodes = cluster(3)
    room = Room(nodes)
    room.watch(0, 1, 2)
    load = room.load(senders=6)
    load.progress(200)
    room.finish(load)
    assert not any(watcher.codes for watcher in room.watchers)
    assert [watcher.count() for watcher in room.watchers] == [len(load.sent)] * 3


def test_a_change_on_one_node_is_seen_at_once_through_another(cluster):
    one, other = cluster(2)
    world, there = World(Clients(one)), Clients(other)
    alice = world.user("alice")
    for n in range(10):
        channel = world.channel(alice, name=f"n{n}")
        found = there.messaging.describe_channel(ChannelArn=channel, ChimeBearer=alice)["Channel"]
        assert found["Name"] == f"n{n}"
        there.messaging.delete_channel(ChannelArn=channel, ChimeBearer=alice)
        with pytest.raises(ClientError):
            world.messaging.describe_channel(ChannelArn=channel, ChimeBearer=alice)


def test_kill_9_of_a_node_under_load_loses_and_doubles_nothing(cluster):
    nodes = cluster(3)
    room = Room(nodes)
    room.watch(0, 1, (2, 1))
    load = room.load()
    load.progress(60)
    nodes[2].kill9()
    load.progress(100)
    nodes[2].start()
    load.progress(60)
    room.finish(load)
    assert room.watchers[2].codes, "the watcher of the killed node was not cut off"
    assert not room.watchers[0].codes and not room.watchers[1].codes


def test_nats_restarted_and_stopped_under_load_delays_and_loses_nothing(cluster, nats):
    nodes = cluster(2)
    room = Room(nodes)
    room.watch(0, 1)
    load = room.load()
    load.progress(60)
    nats.end()
    until("the nodes noticing", lambda: all(b"later" in one.http("GET", "/readyz")[2] for one in nodes))
    assert all(one.http("GET", "/readyz")[0] == 200 for one in nodes), "a node without its bus is ready"
    load.progress(100)
    nats.start()
    until("the nodes coming back", lambda: not any(b"later" in one.http("GET", "/readyz")[2] for one in nodes))
    load.progress(60)
    nats.end()
    nats.start()
    load.progress(60)
    room.finish(load)
    assert not any(watcher.codes for watcher in room.watchers)
    assert [watcher.count() for watcher in room.watchers] == [len(load.sent)] * 2


def test_postgres_crashed_and_restarted_under_load_loses_nothing_acknowledged(cluster, postgres):
    nodes = cluster(2)
    room = Room(nodes)
    room.watch(0, 1)
    load = room.load()
    for _ in range(2):
        load.progress(60)
        postgres.crash()
        until("not ready", lambda: all(one.http("GET", "/readyz")[0] == 503 for one in nodes))
        postgres.start()
        load.progress(60)
    room.finish(load)
    assert not any(watcher.codes for watcher in room.watchers), "sockets need not be closed for it"


def test_a_paused_postgres_is_told_within_seconds_and_nothing_is_doubled_when_it_goes_on(cluster, postgres):
    nodes = cluster(2)
    room = Room(nodes)
    room.watch(0, 1)
    load = room.load()
    load.progress(40)
    postgres.pause(True)
    try:
        started = time.monotonic()
        with pytest.raises(ClientError) as refused:
            Clients(nodes[0]).messaging.send_channel_message(
                ChannelArn=room.channels[0], Content="x", Type="STANDARD", Persistence="PERSISTENT",
                ChimeBearer=room.alice, ClientRequestToken=token())
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert time.monotonic() - started < 12
    finally:
        postgres.pause(False)
    load.progress(60)
    room.finish(load)


def test_a_due_task_runs_once_and_goes_on_elsewhere_when_its_node_is_killed(cluster, postgres):
    database = postgres.database()
    nodes = cluster(2, database=postgres.url(database), nats=None, cluster="notify")
    room = Room(nodes, channels=1)
    alice, channel = room.alice, room.channels[0]
    world = room.world
    expiring = world.channel(alice, name="expiring", MemberArns=room.others,
                             ExpirationSettings={"ExpirationDays": 1, "ExpirationCriterion": "CREATED_TIMESTAMP"})
    with open_socket(nodes[0], room.others[0]) as here, open_socket(nodes[1], room.others[1]) as there:
        for one in nodes:
            clock.advance(one, days=1, seconds=5)
        for watching in (here, there):
            assert watching.until("DELETE_CHANNEL", 10).payload["ChannelArn"] == expiring
            assert watching.silent(1.0) is True, "the channel was deleted more than once"
    for n in range(120):
        world.send(channel, alice, f"m{n}")

    def rows():
        return int(postgres.psql(database, "SELECT count(*) FROM entry"))

    assert rows() >= 120
    # A trigger makes the purge slow enough to be met in the middle of it.
    postgres.psql(database, """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
        CREATE TRIGGER slow BEFORE DELETE ON entry FOR EACH STATEMENT EXECUTE FUNCTION slow()""")
    world.messaging.delete_channel(ChannelArn=channel, ChimeBearer=alice)
    holder = "SELECT count(*) FROM record WHERE convert_from(body, 'UTF8') LIKE '%\"leased\":1%'"
    until("the purge", lambda: postgres.psql(database, holder) != "0" or rows() == 0, 10)
    nodes[0].kill9()
    nodes[1].kill9()
    assert rows() > 0, "the purge was over before the nodes were killed"
    postgres.psql(database, "DROP TRIGGER slow ON entry")
    nodes[1].start()
    clock.advance(nodes[1], days=1, seconds=120)
    until("the purge going on", lambda: rows() == 0)


def test_a_session_id_taken_up_on_another_node_replaces_the_first_connection(cluster, sockets):
    one, other = cluster(2)
    world = World(Clients(one))
    alice = world.user("alice")
    channel = world.channel(alice)
    first = sockets(one, alice, session="same")
    beside = sockets(one, alice, session="another")
    second = sockets(other, alice, session="same")
    assert first.closed_with() == 4002
    third = sockets(one, alice, session="same")
    assert second.closed_with() == 4002
    world.send(channel, alice, "hello")
    for still in (beside, third):
        assert still.until("CREATE_CHANNEL_MESSAGE").payload["Content"] == "hello"


def test_a_user_has_ten_connections_over_all_nodes_and_those_of_a_killed_node_stop_counting(cluster, sockets):
    nodes = cluster(3)
    world = World(Clients(nodes[0]))
    alice, bob = world.users("alice", "bob")
    opened = [sockets(nodes[n % 3], alice) for n in range(10)]
    for node in nodes:
        assert sockets(node, alice, established=False).closed_with() == 4003
    sockets(nodes[0], bob)
    opened[4].close()
    until("room for one", lambda: sockets(nodes[2], alice, established=False).closed_with_or_open() is None)
    assert sockets(nodes[1], alice, established=False).closed_with() == 4003
    nodes[2].kill9()
    clock.advance(nodes[0], seconds=60)
    assert sockets(nodes[0], alice).silent(0.2) is True


def test_without_a_wire_a_second_node_refuses_to_start_and_says_how(cluster, postgres, nats, tmp_path):
    database = postgres.url(postgres.database(), password="hunter2")
    cluster(1, database=database, nats=None)

    def second(name, *flags):
        line = [binary(), "serve", "--data-dir", str(tmp_path / name), "--http-listen", "127.0.0.1:0",
                "--https-listen", "127.0.0.1:0", "--media-listen", "127.0.0.1:0", "--database", database, *flags]
        return subprocess.run(line, capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin", **ROOT_KEY})

    for name, flags in {"plain": (), "nats": ("--nats", nats.url), "notify": ("--cluster", "notify")}.items():
        ran = second(name, *flags)
        assert ran.returncode == 1 and "another node uses the database" in ran.stderr, ran.stderr
        assert "hunter2" not in ran.stderr + ran.stdout
        if name == "plain":
            assert "--nats" in ran.stderr
    shared = postgres.url(postgres.database())
    cluster(1, database=shared, nats=nats.url)
    database = shared
    ran = second("late")
    assert ran.returncode == 1 and "--nats" in ran.stderr, ran.stderr


def test_without_nats_nodes_hear_of_each_other_through_postgres(cluster):
    nodes = cluster(2, nats=None, cluster="notify")
    room = Room(nodes)
    room.watch(0, 1)
    load = room.load()
    load.progress(100)
    room.finish(load)
    assert [watcher.count() for watcher in room.watchers] == [len(load.sent)] * 2


def test_passwords_of_the_database_and_the_bus_are_in_no_log(cluster, postgres, nats):
    database = postgres.url(postgres.database(), password="hunter2")
    node, = cluster(1, database=database, nats=nats.url.replace("://", "://me:hunter3@"),
                    env={"CHIME_TELEMETRY__FILTER": "debug"})
    World(Clients(node)).user("alice")
    environment = {**node.env, "PATH": "/usr/bin"}
    shown = subprocess.run([binary(), "config", "explain"], env=environment, capture_output=True, text=True)
    for text in (node.log(), shown.stdout, shown.stderr):
        assert "hunter2" not in text and "hunter3" not in text
    assert "postgres://chime:(hidden)@" in shown.stdout
