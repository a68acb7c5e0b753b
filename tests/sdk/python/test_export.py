"""Streaming export into files: what stands in a stream, and that nothing is lost when the server is killed."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from harness.clients import Clients
from harness.exports import Load, contents, eventually, first_arrivals, stream
from harness.server import ChimeServer
from harness.world import World


def lines(directory, name):
    """Every event of a stream's files, in order; what is being written is no whole line yet."""
    files = sorted((directory / name).glob("*.ndjson")) if (directory / name).exists() else []
    return [json.loads(line) for file in files for line in file.read_text().splitlines(keepends=True)
            if line.endswith("\n")]


@pytest.fixture
def exporting(launch, tmp_path):
    """A server that exports into files, its world, and where the files are."""
    server = launch(env={"CHIME_EXPORT": f"file:{tmp_path / 'out'}"}, test_clock=False)
    return World(Clients(server)), tmp_path / "out"


def test_str_09_to_14_every_event_is_one_object_with_its_payload_nested(exporting):
    world, out = exporting
    alice, bob = world.users("alice", "bob")
    world.channel(alice, name="before")
    stream(world, Channel="chime-messaging-all", ChannelMessage="chime-messaging-all")
    channel = world.channel(alice, name="during")
    world.join(channel, bob, alice)
    sent = world.send(channel, alice, "hello", Metadata="m")
    world.messaging.update_channel_message(ChannelArn=channel, MessageId=sent, Content="edited", ChimeBearer=alice)
    world.messaging.redact_channel_message(ChannelArn=channel, MessageId=sent, ChimeBearer=alice)
    world.messaging.update_channel_read_marker(ChannelArn=channel, ChimeBearer=bob)
    world.leave(channel, bob, alice)
    world.ban(channel, bob, alice)
    world.messaging.delete_channel_ban(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)
    world.messaging.delete_channel(ChannelArn=channel, ChimeBearer=alice)
    expected = ["CREATE_CHANNEL", "CREATE_CHANNEL_MEMBERSHIP", "CREATE_CHANNEL_MODERATOR", "CREATE_CHANNEL_MEMBERSHIP",
                "CREATE_CHANNEL_MESSAGE", "UPDATE_CHANNEL_MESSAGE", "REDACT_CHANNEL_MESSAGE",
                "DELETE_CHANNEL_MEMBERSHIP", "CREATE_CHANNEL_BAN", "DELETE_CHANNEL_BAN", "DELETE_CHANNEL"]
    eventually(lambda: len(lines(out, "chime-messaging-all")) >= len(expected))
    events = lines(out, "chime-messaging-all")
    assert [event["EventType"] for event in events] == expected
    assert all(set(event) == {"EventType", "Payload"} for event in events)
    assert all(event["Payload"]["ChannelArn"] == channel for event in events)
    message = events[4]["Payload"]
    assert (message["MessageId"], message["Content"], message["Metadata"]) == (sent, "hello", "m")
    assert message["Sender"] == {"Arn": alice, "Name": "alice"} and message["Persistence"] == "PERSISTENT"
    assert message["CreatedTimestamp"].endswith("Z")
    assert events[0]["Payload"]["Name"] == "during" and events[2]["Payload"]["Moderator"]["Arn"] == alice
    assert events[3]["Payload"]["Member"]["Arn"] == bob and events[8]["Payload"]["Member"]["Arn"] == bob
    assert events[8]["Payload"]["CreatedTimestamp"].endswith("Z")


def test_str_15_nothing_is_streamed_after_a_deletion_and_the_two_types_are_independent(exporting):
    world, out = exporting
    alice = world.user("alice")
    stream(world, ChannelMessage="chime-messaging-m")
    channel = world.channel(alice)
    world.send(channel, alice, "one")
    eventually(lambda: contents(lines(out, "chime-messaging-m")) == ["one"])
    world.messaging.delete_messaging_streaming_configurations(AppInstanceArn=world.app)
    world.send(channel, alice, "off")
    stream(world, Channel="chime-messaging-c", ChannelMessage="chime-messaging-m")
    world.send(channel, alice, "two")
    world.messaging.update_channel(ChannelArn=channel, Name="renamed", ChimeBearer=alice)
    eventually(lambda: contents(lines(out, "chime-messaging-m")) == ["one", "two"])
    eventually(lambda: [event["EventType"] for event in lines(out, "chime-messaging-c")] == ["UPDATE_CHANNEL"])


def test_the_metrics_tell_what_waits(launch, tmp_path):
    blocked = tmp_path / "out"
    blocked.write_text("a file stands where the directory should be")
    server = launch(env={"CHIME_EXPORT": f"file:{blocked}"}, test_clock=False)
    world = World(Clients(server))
    alice = world.user("alice")
    channel = world.channel(alice)
    stream(world, ChannelMessage="chime-messaging-m")
    for n in range(3):
        world.send(channel, alice, str(n))
    label = f'chime_export_queue_length{{app_instance="{world.app.rsplit("/", 1)[1]}"}} 3'
    eventually(lambda: label in server.metrics())
    blocked.unlink()
    eventually(lambda: contents(lines(blocked, "chime-messaging-m")) == ["0", "1", "2"])
    eventually(lambda: label.replace("} 3", "} 0") in server.metrics())


def test_without_a_sink_nothing_can_be_configured(launch):
    world = World(Clients(launch(env={"CHIME_EXPORT": "none"})))
    with pytest.raises(ClientError) as refused:
        stream(world, Channel="chime-messaging-a")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_kill_9_under_load_with_the_sink_down_and_up_loses_nothing(tmp_path):
    out = tmp_path / "out"
    server = ChimeServer(tmp_path / "data", env={"CHIME_EXPORT": f"file:{out}"}, test_clock=False).start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channels = [world.channel(alice) for _ in range(3)]
        stream(world, ChannelMessage="chime-messaging-m")
        acknowledged = {channel: [] for channel in channels}
        for kill in range(4):
            # Every other time there is nowhere to write to.
            if kill % 2:
                (out / "chime-messaging-m").rename(tmp_path / "away")
                (out / "chime-messaging-m").write_text("")
            load = Load(world, alice, channels, kill * 100_000)
            time.sleep(0.7 + 0.3 * kill)
            server.kill9()
            for channel, numbers in load.stop().items():
                assert numbers, f"nothing was acknowledged before kill {kill}"
                acknowledged[channel] += numbers
            if kill % 2:
                (out / "chime-messaging-m").unlink()
                (tmp_path / "away").rename(out / "chime-messaging-m")
            server.start()
        last = {channel: numbers[-1] for channel, numbers in acknowledged.items()}
        eventually(lambda: all(last[channel] in first_arrivals(lines(out, "chime-messaging-m"), channel)[0]
                               for channel in channels), within=90)
        events = lines(out, "chime-messaging-m")
        for channel in channels:
            arrived, count = first_arrivals(events, channel)
            lost = set(acknowledged[channel]) - set(arrived)
            assert not lost, f"{len(lost)} of {len(acknowledged[channel])} are not exported"
            stored = [int(content) for content in world.messages(channel, alice, SortOrder="ASCENDING")]
            assert arrived == stored[:len(arrived)], "the order of the stream is that of the channel"
            assert count - len(arrived) <= 4 * 500, "twice only around a kill"
    finally:
        server.kill9()
