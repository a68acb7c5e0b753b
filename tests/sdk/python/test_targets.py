"""Targeted messages: for their sender and one member alone."""

import pytest

from harness.clients import BAD_REQUEST, FORBIDDEN, NOT_FOUND, quoted, refusal, send, token


@pytest.fixture
def cast(world):
    """Alice moderates; bob and carol are members."""
    return world.users("alice", "bob", "carol")


@pytest.fixture
def channel(world, cast):
    arn = world.channel(cast[0])
    for member in cast[1:]:
        world.join(arn, member, cast[0])
    return arn


def to(member):
    return {"Target": [{"MemberArn": member}]}


def test_a_targeted_message_is_got_and_listed_by_its_sender_and_its_target_only(world, cast, channel):
    alice, bob, carol = cast
    answer = world.messaging.send_channel_message(
        ChannelArn=channel, Content="psst", Type="STANDARD", Persistence="PERSISTENT", ChimeBearer=bob,
        ClientRequestToken=token(), **to(carol))
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Status"]["Value"]) == (201, "SENT")
    message = answer["MessageId"]
    world.send(channel, bob, "aloud")
    for user in (bob, carol):
        found = world.message(channel, message, user)
        assert (found["Content"], found["Target"]) == ("psst", [{"MemberArn": carol}])
        assert world.messages(channel, user) == ["aloud", "psst"]
        assert world.listed(channel, user)[1]["Target"] == [{"MemberArn": carol}]
    for user in (alice, world.admin()):
        assert refusal(world.message, channel, message, user) == NOT_FOUND
        assert world.messages(channel, user) == ["aloud"]
    assert "Target" not in world.listed(channel, alice)[0]


def test_pages_of_those_who_do_not_see_targeted_messages_hold_the_others_and_end(world, cast, channel):
    alice, bob, carol = cast
    for n in range(6):
        world.send(channel, bob, f"to carol {n}", **to(carol))
        world.send(channel, bob, f"aloud {n}")
    for user, count in ((alice, 6), (bob, 12), (carol, 12)):
        for size in (1, 3, 50):
            assert len(world.messages(channel, user, MaxResults=size)) == count


def test_only_the_two_hear_of_a_targeted_message_of_its_edit_redaction_and_deletion(
        server, world, cast, channel, sockets):
    alice, bob, carol = cast
    admin = world.admin()
    ears = {user: sockets(server, user) for user in cast}
    message = world.send(channel, bob, "psst", **to(carol))
    of = {"ChannelArn": channel, "MessageId": message}
    world.messaging.update_channel_message(Content="pssst", ChimeBearer=bob, **of)
    world.messaging.delete_channel_message(ChimeBearer=admin, **of)
    world.send(channel, bob, "aloud")
    for user in (bob, carol):
        heard = ears[user].frames(4)
        assert [frame.event for frame in heard] == [
            "CREATE_CHANNEL_MESSAGE", "UPDATE_CHANNEL_MESSAGE", "DELETE_CHANNEL_MESSAGE", "CREATE_CHANNEL_MESSAGE"]
        assert heard[0].payload["Target"] == [{"MemberArn": carol}]
        assert heard[1].payload["Target"] == [{"MemberArn": carol}]
    first = ears[alice].frame()
    assert (first.event, first.payload["Content"]) == ("CREATE_CHANNEL_MESSAGE", "aloud")


def test_a_message_to_oneself_is_ones_own_alone_and_heard_once(server, world, cast, channel, sockets):
    alice, bob, _ = cast
    ear = sockets(server, bob)
    world.send(channel, bob, "note", **to(bob))
    assert ear.frame().payload["Content"] == "note"
    assert ear.silent(0.2) is True
    assert (world.messages(channel, bob), world.messages(channel, alice)) == (["note"], [])


def test_a_member_who_comes_later_does_not_see_targeted_messages_of_before(world, cast, channel):
    world.send(channel, cast[1], "psst", **to(cast[2]))
    dave = world.user("dave")
    world.join(channel, dave, cast[0])
    assert world.messages(channel, dave) == []


def test_the_target_has_to_be_a_member(world, cast, channel):
    stranger = world.user("stranger")
    for target in (stranger, f"{world.app}/user/nobody"):
        assert refusal(world.send, channel, cast[1], **to(target)) == BAD_REQUEST
    world.leave(channel, cast[2], cast[0])
    assert refusal(world.send, channel, cast[1], **to(cast[2])) == BAD_REQUEST
    assert world.messages(channel, cast[0]) == []


@pytest.mark.parametrize("target", ["two", "none", "no arn", "not an arn", "a channel", "object"])
def test_a_target_that_is_not_one_member_is_refused(server, world, cast, channel, target):
    given = {"two": [{"MemberArn": cast[0]}, {"MemberArn": cast[2]}], "none": [], "no arn": [{}],
             "not an arn": [{"MemberArn": "carol"}], "a channel": [{"MemberArn": channel}],
             "object": {"MemberArn": cast[2]}}[target]
    body = {"Content": "x", "Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": token(),
            "Target": given}
    answer = send(server, "POST", f"/channels/{quoted(channel)}/messages", body, bearer=cast[1])
    # As with CreateChannelMembership, an ARN of something else is Forbidden.
    status = FORBIDDEN if target == "a channel" else BAD_REQUEST
    assert (answer.status, answer.error) == status, answer
    assert world.messages(channel, cast[1]) == []


def test_a_moderator_who_does_not_see_a_message_cannot_redact_it_and_an_admin_deletes_it_unseen(world, cast, channel):
    alice, bob, carol = cast
    message = world.send(channel, bob, "psst", **to(carol))
    of = {"ChannelArn": channel, "MessageId": message}
    assert refusal(world.messaging.redact_channel_message, ChimeBearer=alice, **of) == FORBIDDEN
    assert refusal(world.messaging.get_channel_message_status, ChimeBearer=alice, **of) == FORBIDDEN
    assert refusal(world.messaging.update_channel_message, Content="x", ChimeBearer=carol, **of) == FORBIDDEN
    admin = world.admin()
    assert refusal(world.messaging.redact_channel_message, ChimeBearer=admin, **of).status in (403, 404)
    assert world.message(channel, message, carol)["Content"] == "psst"
    answer = world.messaging.delete_channel_message(ChimeBearer=admin, **of)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.messages(channel, carol) == []


def test_a_moderator_redacts_what_is_targeted_at_it(world, cast, channel):
    message = world.send(channel, cast[1], "rude", **to(cast[0]))
    world.messaging.redact_channel_message(ChannelArn=channel, MessageId=message, ChimeBearer=cast[0])
    found = world.message(channel, message, cast[1])
    assert found["Redacted"] is True and not found.get("Content")
    assert found["Target"] == [{"MemberArn": cast[0]}]


def test_a_message_that_is_not_kept_and_a_control_message_may_be_targeted(server, world, cast, channel, sockets):
    alice, bob, carol = cast
    ears = {user: sockets(server, user) for user in (alice, carol)}
    world.send(channel, bob, "fleeting", persistence="NON_PERSISTENT", **to(carol))
    world.send(channel, bob, "typing", type="CONTROL", persistence="NON_PERSISTENT", **to(carol))
    assert [frame.payload["Content"] for frame in ears[carol].frames(2)] == ["fleeting", "typing"]
    assert ears[alice].silent(0.3) is True


def test_a_targeted_message_is_not_the_last_activity_that_others_are_shown(world, cast, channel):
    """What summaries say of a message that somebody does not see must not give its content away."""
    world.send(channel, cast[1], "psst", **to(cast[2]))
    answer = world.messaging.describe_channel_membership_for_app_instance_user(
        ChannelArn=channel, AppInstanceUserArn=cast[0], ChimeBearer=cast[0])
    assert "psst" not in str(answer)


def test_a_prefetch_holds_targeted_messages_for_the_two_only(server, world, cast, channel, sockets):
    alice, bob, carol = cast
    world.send(channel, bob, "psst", **to(carol))
    world.send(channel, bob, "aloud")
    seen = {}
    for user in (alice, carol):
        ear = sockets(server, user, extra={"prefetch-on": "connect"})
        details = ear.until("CHANNEL_DETAILS").payload
        seen[user] = sorted(message.get("Content") for message in details["ChannelMessages"])
    assert seen == {alice: ["aloud"], carol: ["aloud", "psst"]}
