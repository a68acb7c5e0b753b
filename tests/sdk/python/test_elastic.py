"""Elastic channels: sub-channels that fill, empty, and keep their messages to themselves."""

import pytest

from harness.clients import BAD_REQUEST, FORBIDDEN, Clients, refusal, token
from harness.clock import advance
from harness.world import World

CONFIGURATION = {"MaximumSubChannels": 3, "TargetMembershipsPerSubChannel": 2, "MinimumMembershipPercentage": 40}


@pytest.fixture
def mia(world):
    """Moderates the channel."""
    return world.user("mia")


@pytest.fixture
def arena(world, mia):
    return elastic(world, mia)


def elastic(world, bearer, configuration=CONFIGURATION, **more):
    return world.messaging.create_channel(
        AppInstanceArn=world.app, Name="arena", ChimeBearer=bearer, ClientRequestToken=token(),
        ElasticChannelConfiguration=configuration, **more)["ChannelArn"]


def subs(world, channel, bearer):
    found = world.messaging.list_sub_channels(ChannelArn=channel, ChimeBearer=bearer)
    assert found["ChannelArn"] == channel
    return {each["SubChannelId"]: each["MembershipCount"] for each in found["SubChannels"]}


def test_members_fill_sub_channels_which_a_moderator_lists(world, mia, arena):
    users = world.users(*(f"u{n}" for n in range(6)))
    places = [world.join(arena, user, mia)["SubChannelId"] for user in users]
    assert places[0] == places[1] != places[2] == places[3] != places[4] == places[5]
    assert subs(world, arena, mia) == {place: 2 for place in places}
    late = world.user("late")
    assert refusal(world.join, arena, late, mia) == (400, "ResourceLimitExceededException")
    listed = world.members(arena, mia, SubChannelId=places[2])
    assert sorted(listed) == users[2:4]
    summary = world.messaging.list_channel_memberships_for_app_instance_user(ChimeBearer=users[4])
    own = summary["ChannelMemberships"][0]["AppInstanceUserMembershipSummary"]
    assert own["SubChannelId"] == places[4]
    assert refusal(subs, world, arena, users[0]) == FORBIDDEN


def test_the_configuration_is_described_and_its_bounds_are_kept(world, mia, arena):
    channel = world.messaging.describe_channel(ChannelArn=arena, ChimeBearer=mia)["Channel"]
    assert channel["ElasticChannelConfiguration"] == CONFIGURATION
    assert channel["Mode"] == "RESTRICTED"
    for bad in ({"MaximumSubChannels": 1_000, "TargetMembershipsPerSubChannel": 1_001},):
        assert refusal(elastic, world, mia, {**CONFIGURATION, **bad}) == BAD_REQUEST
    assert refusal(elastic, world, mia, Mode="UNRESTRICTED") == BAD_REQUEST
    assert refusal(elastic, world, mia, MemberArns=[mia]) == BAD_REQUEST


def test_messages_are_heard_and_listed_in_their_sub_channel_only(server, world, mia, arena, sockets):
    users = world.users("ada", "ben", "cleo")
    one, _, two = (world.join(arena, user, mia)["SubChannelId"] for user in users)
    ears = [sockets(server, user) for user in users]
    answer = world.messaging.send_channel_message(
        ChannelArn=arena, Content="hi one", Type="STANDARD", Persistence="PERSISTENT", ChimeBearer=users[0],
        SubChannelId=one, ClientRequestToken=token())
    assert answer["SubChannelId"] == one
    world.send(arena, users[2], "hi two", SubChannelId=two)
    for ear, text, place in zip(ears, ("hi one", "hi one", "hi two"), (one, one, two), strict=True):
        frame = ear.frames(1)[0]
        assert (frame.event, frame.payload["Content"]) == ("CREATE_CHANNEL_MESSAGE", text)
        assert frame.payload["SubChannelId"] == place
    assert world.messages(arena, users[1], SubChannelId=one) == ["hi one"]
    assert world.messages(arena, mia, SubChannelId=two) == ["hi two"]
    # The arena is public, so that everybody reads; nobody sends where they are no member.
    assert world.messages(arena, users[1], SubChannelId=two) == ["hi two"]
    assert refusal(world.send, arena, users[1], SubChannelId=two) == FORBIDDEN
    got = world.messaging.get_channel_message(
        ChannelArn=arena, MessageId=answer["MessageId"], SubChannelId=one, ChimeBearer=mia)["ChannelMessage"]
    assert (got["Content"], got["SubChannelId"]) == ("hi one", one)


def test_who_is_moved_to_another_sub_channel_hears_of_it(launch, sockets):
    server = launch()
    world = World(Clients(server))
    mia = world.user("mia")
    # Less than two of four are too few.
    arena = elastic(world, mia, {"MaximumSubChannels": 3, "TargetMembershipsPerSubChannel": 4,
                                 "MinimumMembershipPercentage": 40})
    users = world.users(*(f"u{n}" for n in range(6)))
    places = [world.join(arena, user, mia)["SubChannelId"] for user in users]
    ear = sockets(server, users[5])
    world.leave(arena, users[0], mia)
    world.leave(arena, users[4], mia)
    advance(server, seconds=11)
    assert subs(world, arena, mia) == {places[0]: 4}
    frames = ear.frames(2)
    assert [frame.event for frame in frames] == ["DELETE_CHANNEL_MEMBERSHIP", "UPDATE_CHANNEL_MEMBERSHIP"]
    assert frames[1].payload["SubChannelId"] == places[0]
    assert frames[1].payload["Member"]["Arn"] == users[5]
