"""Streaming export into Kinesis and into NATS JetStream: prerequisites, order, throttling, refusals, kills."""

import json
import socket
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.exports import Load, contents, eventually, first_arrivals, stream
from harness.kinesis import KEYS, Kinesis, Proxy
from harness.server import ChimeServer, free_ports
from harness.world import World


@pytest.fixture(scope="module")
def kinesis():
    running = Kinesis()
    yield running
    running.stop()


@pytest.fixture
def proxy(kinesis):
    running = Proxy(kinesis)
    yield running
    running.stop()


@pytest.fixture
def environment(proxy):
    return {"CHIME_EXPORT": "kinesis", "CHIME_AWS_ENDPOINT_URL": proxy.url, **KEYS}


@pytest.fixture
def world(launch, environment):
    return World(Clients(launch(env=environment, test_clock=False)))


def status(call, *args, **names):
    with pytest.raises(ClientError) as refused:
        call(*args, **names)
    return refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def configured(world):
    found = world.messaging.get_messaging_streaming_configurations(AppInstanceArn=world.app)
    return found["StreamingConfigurations"]


def test_str_03_to_06_a_stream_has_to_be_there_to_be_large_enough_and_to_be_encrypted(world, kinesis, proxy):
    kinesis.stream("chime-messaging-small", shards=1)
    kinesis.stream("chime-messaging-plain", encrypted=False)
    kinesis.stream("other-name")
    assert status(stream, world, Channel="chime-messaging-none") == 404
    assert status(stream, world, Channel="chime-messaging-small") == 400
    assert status(stream, world, Channel="chime-messaging-plain") == 400
    assert status(stream, world, Channel="other-name") == 400
    proxy.mode = "down"
    good = kinesis.stream("chime-messaging-good")
    assert status(stream, world, Channel=good) == 503
    assert configured(world) == []
    proxy.mode = "pass"
    stream(world, Channel=good, ChannelMessage=good)
    assert len(configured(world)) == 2


def test_events_arrive_with_their_channel_as_partition_key_in_its_order(world, kinesis):
    name = kinesis.stream("chime-messaging-order", shards=3)
    alice = world.user("alice")
    before = world.channel(alice)
    world.send(before, alice, "before")
    stream(world, ChannelMessage=name, Channel=name)
    channels = [world.channel(alice) for _ in range(4)]
    for n in range(40):
        world.send(channels[n % 4], alice, str(n))
    eventually(lambda: len(contents(kinesis.events(name))) == 40)
    for key, event in kinesis.records(name):
        assert event["Payload"]["ChannelArn"] == key
    for n, channel in enumerate(channels):
        assert first_arrivals(kinesis.events(name), channel) == (list(range(n, 40, 4)), 10)
        kinds = [event["EventType"] for key, event in kinesis.records(name) if key == channel]
        assert kinds[:3] == ["CREATE_CHANNEL", "CREATE_CHANNEL_MEMBERSHIP", "CREATE_CHANNEL_MODERATOR"]
    assert "before" not in contents(kinesis.events(name))


@pytest.mark.parametrize("mode", ["throttle", "part", "deny", "down"])
def test_what_kinesis_refuses_arrives_later_in_order_and_senders_do_not_notice(world, kinesis, proxy, mode):
    name = kinesis.stream(f"chime-messaging-{mode}")
    alice = world.user("alice")
    channels = [world.channel(alice) for _ in range(3)]
    stream(world, ChannelMessage=name)
    load = Load(world, alice, channels)
    time.sleep(0.5)
    proxy.mode = mode
    time.sleep(2)
    refused = proxy.refused
    sent = load.stop()
    proxy.mode = "pass"
    assert refused and all(len(numbers) > 20 for numbers in sent.values()), "it is the sink that was slow"
    eventually(lambda: all(set(sent[channel]) == set(first_arrivals(kinesis.events(name), channel)[0])
                           for channel in channels), within=60)
    for channel in channels:
        arrived, count = first_arrivals(kinesis.events(name), channel)
        assert arrived == sent[channel], "in order, and nothing lost"
        assert count == len(arrived) or mode == "down", "twice only where an answer was lost"


def test_one_stream_that_refuses_does_not_hold_up_another_app_instance(world, kinesis):
    gone, good = kinesis.stream("chime-messaging-gone"), kinesis.stream("chime-messaging-stays")
    other = World(world.clients)
    alice, bob = world.user("alice"), other.user("bob")
    channel, others = world.channel(alice), other.channel(bob)
    stream(world, ChannelMessage=gone)
    stream(other, ChannelMessage=good)
    kinesis.client.delete_stream(StreamName=gone)
    world.send(channel, alice, "waits")
    other.send(others, bob, "goes")
    eventually(lambda: contents(kinesis.events(good)) == ["goes"])
    eventually(lambda: "cannot be exported" in world.clients.server.log())
    assert "waits" not in world.clients.server.log()
    again = kinesis.stream("chime-messaging-again")
    stream(world, ChannelMessage=again)
    eventually(lambda: contents(kinesis.events(again)) == ["waits"], within=60)


def test_kill_9_under_load_with_kinesis_down_and_then_up_loses_nothing(tmp_path, kinesis, proxy, environment):
    name = kinesis.stream("chime-messaging-killed")
    server = ChimeServer(tmp_path / "data", env=environment, test_clock=False).start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channels = [world.channel(alice) for _ in range(3)]
        stream(world, ChannelMessage=name)
        acknowledged = {channel: [] for channel in channels}
        for kill, mode in enumerate(["down", "pass", "throttle"]):
            proxy.mode = mode
            load = Load(world, alice, channels, kill * 100_000)
            time.sleep(1.2)
            server.kill9()
            for channel, numbers in load.stop().items():
                acknowledged[channel] += numbers
            server.start()
        proxy.mode = "pass"
        assert all(acknowledged.values())
        eventually(lambda: all(set(acknowledged[channel]) <= set(first_arrivals(kinesis.events(name), channel)[0])
                               for channel in channels), within=120)
        for channel in channels:
            stored = [int(content) for content in world.messages(channel, alice, SortOrder="ASCENDING")]
            assert first_arrivals(kinesis.events(name), channel)[0] == stored
    finally:
        server.kill9()


class Listener:
    """Everything published below a subject of a NATS server, by its text protocol."""

    def __init__(self, port, subject):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.sendall(f'CONNECT {{"verbose":false}}\r\nSUB {subject} 1\r\nPING\r\n'.encode())
        self.file = self.socket.makefile("rb")
        while not self.file.readline().startswith(b"PONG"):
            pass

    def messages(self, count):
        """The next messages, as subjects and objects."""
        found = []
        while len(found) < count:
            words = self.file.readline().split()
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                length, head = int(words[-1]), int(words[-2]) if words[0] == b"HMSG" else 0
                found.append((words[1].decode(), json.loads(self.file.read(length + 2)[head:])))
        return found


def test_events_arrive_in_nats_jetstream(launch, tmp_path):
    [port] = free_ports(1)
    command = ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path / "js")]
    nats = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        world = World(Clients(launch(env={"CHIME_EXPORT": f"nats://127.0.0.1:{port}"}, test_clock=False)))

        def begun():
            try:
                stream(world, ChannelMessage="chime-messaging-nats")
            except ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503, error
                return False
            return True

        eventually(begun)
        alice = world.user("alice")
        channel = world.channel(alice)
        listener = Listener(port, "chime.export.>")
        for n in range(10):
            world.send(channel, alice, str(n))
        messages = listener.messages(10)
        assert {subject for subject, _ in messages} == {f"chime.export.chime-messaging-nats.{channel.split('/')[-1]}"}
        assert contents(event for _, event in messages) == [str(n) for n in range(10)]
    finally:
        nats.kill()
        nats.wait()
