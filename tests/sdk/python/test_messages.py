"""Messages: rules MSG-*."""

import datetime
import re
import time

import pytest

from harness.clients import BAD_REQUEST, FORBIDDEN, NOT_FOUND, quoted, refusal, send, token


@pytest.fixture
def cast(world):
    """Alice moderates and sends, bob is a member, carol is neither."""
    return world.users("alice", "bob", "carol")


@pytest.fixture
def channel(world, cast):
    arn = world.channel(cast[0], privacy="PRIVATE")
    world.join(arn, cast[1], cast[0])
    return arn


@pytest.mark.parametrize("type", ["STANDARD", "CONTROL"])
def test_msg_01_standard_and_control_messages_are_sent_and_read(world, cast, channel, type):
    answer = world.messaging.send_channel_message(
        ChannelArn=channel, Content="ping", Type=type, Persistence="PERSISTENT", ChimeBearer=cast[0],
        ClientRequestToken=token())
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["ChannelArn"] == channel
    found = world.message(channel, answer["MessageId"], cast[1])
    assert (found["Content"], found["Type"], found["Persistence"], found["Redacted"]) == (
        "ping", type, "PERSISTENT", False)
    assert found["Sender"] == {"Arn": cast[0], "Name": "alice"}
    age = datetime.datetime.now(datetime.timezone.utc) - found["CreatedTimestamp"]
    assert abs(age.total_seconds()) < 60


def test_msg_01_users_cannot_send_system_messages(world, cast, channel):
    assert refusal(world.send, channel, cast[0], type="SYSTEM") == BAD_REQUEST


@pytest.mark.parametrize("content", ["x" * 4096, "\u00e9" * 2048, "\U0001f600" * 1024])
def test_msg_02_a_standard_message_holds_4096_bytes_of_utf8(world, cast, channel, content):
    assert world.message(channel, world.send(channel, cast[0], content), cast[1])["Content"] == content


@pytest.mark.parametrize("content", ["x" * 4097, "\u00e9" * 2048 + "x", "\U0001f600" * 1025])
def test_msg_02_one_byte_more_is_refused(world, cast, channel, content):
    assert refusal(world.send, channel, cast[0], content) == BAD_REQUEST


@pytest.mark.parametrize("metadata", ["m" * 1024, "\u00e9" * 512])
def test_msg_03_metadata_holds_1024_bytes(world, cast, channel, metadata):
    assert world.message(channel, world.send(channel, cast[0], Metadata=metadata), cast[1])["Metadata"] == metadata


@pytest.mark.parametrize("metadata", ["m" * 1025, "\u00e9" * 512 + "m"])
def test_msg_03_one_byte_more_of_metadata_is_refused(world, cast, channel, metadata):
    assert refusal(world.send, channel, cast[0], Metadata=metadata) == BAD_REQUEST


@pytest.mark.parametrize("content, taken", [("x" * 30, True), ("\u00e9" * 15, True), ("x" * 31, False),
                                            ("\u00e9" * 15 + "x", False)])
def test_msg_04_a_control_message_holds_30_bytes(world, cast, channel, content, taken):
    if taken:
        world.send(channel, cast[0], content, type="CONTROL")
    else:
        assert refusal(world.send, channel, cast[0], content, type="CONTROL") == BAD_REQUEST


def test_msg_05_a_control_message_carries_no_metadata(world, cast, channel):
    world.send(channel, cast[0], type="CONTROL", Metadata="")
    assert refusal(world.send, channel, cast[0], type="CONTROL", Metadata="m") == BAD_REQUEST


@pytest.mark.parametrize("type", ["STANDARD", "CONTROL"])
def test_msg_06_and_07_a_non_persistent_message_is_not_kept(world, cast, channel, type):
    message = world.send(channel, cast[0], type=type, persistence="NON_PERSISTENT")
    assert world.messages(channel, cast[1]) == []
    assert refusal(world.message, channel, message, cast[1]) == NOT_FOUND


def test_msg_06_an_unknown_persistence_is_refused(world, cast, channel):
    assert refusal(world.send, channel, cast[0], persistence="SOMETIMES") == BAD_REQUEST


def test_msg_08_empty_or_missing_content_is_refused(server, world, cast, channel):
    body = {"Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": token()}
    for content in ({}, {"Content": ""}, {"Content": None}):
        answer = send(server, "POST", f"/channels/{quoted(channel)}/messages", {**body, **content}, bearer=cast[0])
        assert (answer.status, answer.error) == (400, "BadRequestException"), answer


def test_msg_09_message_ids_match_the_pattern_and_are_unique(world, cast, channel):
    ids = [world.send(channel, cast[0]) for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(re.fullmatch(r"[-_a-zA-Z0-9]{1,128}", each) for each in ids)


def test_msg_10_an_edit_of_ones_own_message_shows_the_latest_version_with_its_time(world, cast, channel):
    message = world.send(channel, cast[1], "first")
    before = world.message(channel, message, cast[1])
    assert "LastEditedTimestamp" not in before
    time.sleep(0.01)
    answer = world.messaging.update_channel_message(ChannelArn=channel, MessageId=message, Content="second",
                                                    Metadata="m", ChimeBearer=cast[1])
    assert answer["MessageId"] == message
    after = world.message(channel, message, cast[0])
    assert (after["Content"], after["Metadata"]) == ("second", "m")
    assert after["CreatedTimestamp"] == before["CreatedTimestamp"]
    assert after["LastEditedTimestamp"] == after["LastUpdatedTimestamp"] > before["CreatedTimestamp"]
    assert world.messages(channel, cast[0]) == ["second"]


def test_msg_10_another_users_message_cannot_be_edited_by_anyone(world, cast, channel):
    message = world.send(channel, cast[1], "mine")
    for other in (cast[0], world.admin()):
        assert refusal(world.messaging.update_channel_message, ChannelArn=channel, MessageId=message,
                       Content="yours", ChimeBearer=other) == FORBIDDEN


def test_msg_10_an_edit_past_4096_bytes_is_refused_and_changes_nothing(world, cast, channel):
    message = world.send(channel, cast[0], "kept")
    assert refusal(world.messaging.update_channel_message, ChannelArn=channel, MessageId=message, Content="x" * 4097,
                   ChimeBearer=cast[0]) == BAD_REQUEST
    assert world.message(channel, message, cast[0])["Content"] == "kept"


def test_msg_10_a_legacy_edit_of_metadata_alone_keeps_the_content(server, world, cast, channel):
    message = world.send(channel, cast[0], "kept")
    answer = send(server, "PUT", f"/channels/{quoted(channel)}/messages/{message}", {"Metadata": "new"},
                  bearer=cast[0])
    assert answer.status == 200, answer
    found = world.message(channel, message, cast[0])
    assert (found["Content"], found["Metadata"]) == ("kept", "new")


def test_msg_11_a_redacted_message_stays_without_content_and_metadata(world, cast, channel):
    message = world.send(channel, cast[1], "secret", Metadata="also secret")
    answer = world.messaging.redact_channel_message(ChannelArn=channel, MessageId=message, ChimeBearer=cast[0])
    assert answer["MessageId"] == message
    found = world.message(channel, message, cast[1])
    assert found["Redacted"] is True
    assert not found.get("Content") and not found.get("Metadata")
    listed = world.listed(channel, cast[1])
    assert [(each["MessageId"], each["Redacted"]) for each in listed] == [(message, True)]


def test_msg_12_a_member_may_not_redact_even_its_own_message(world, cast, channel):
    message = world.send(channel, cast[1])
    assert refusal(world.messaging.redact_channel_message, ChannelArn=channel, MessageId=message,
                   ChimeBearer=cast[1]) == FORBIDDEN


def test_msg_13_only_an_admin_deletes_and_the_message_is_gone(world, cast, channel):
    admin = world.admin()
    message = world.send(channel, cast[0])
    of = {"ChannelArn": channel, "MessageId": message}
    for other in cast:
        assert refusal(world.messaging.delete_channel_message, ChimeBearer=other, **of) == FORBIDDEN
    answer = world.messaging.delete_channel_message(ChimeBearer=admin, **of)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.messages(channel, cast[0]) == []
    assert refusal(world.message, channel, message, cast[0]) == NOT_FOUND


def test_msg_14_messages_are_listed_newest_first_unless_asked_otherwise(world, cast, channel):
    sent = [f"m{n}" for n in range(5)]
    for content in sent:
        world.send(channel, cast[0], content)
    assert world.messages(channel, cast[1]) == sent[::-1]
    assert world.messages(channel, cast[1], SortOrder="DESCENDING") == sent[::-1]
    assert world.messages(channel, cast[1], SortOrder="ASCENDING") == sent


def test_msg_14_not_before_and_not_after_are_inclusive(world, cast, channel):
    for n in range(4):
        world.send(channel, cast[0], f"m{n}")
        time.sleep(0.005)
    times = {each["Content"]: each["CreatedTimestamp"] for each in world.listed(channel, cast[0])}
    found = world.messages(channel, cast[1], NotBefore=times["m1"], NotAfter=times["m2"], SortOrder="ASCENDING")
    assert found == ["m1", "m2"]


def test_msg_14_creation_times_are_strictly_increasing_in_a_channel(world, cast, channel):
    for n in range(20):
        world.send(channel, cast[0], str(n))
    times = [each["CreatedTimestamp"] for each in world.listed(channel, cast[0], SortOrder="ASCENDING")]
    assert times == sorted(times)
    assert world.messages(channel, cast[0], SortOrder="ASCENDING") == [str(n) for n in range(20)]


@pytest.mark.parametrize("text", ["2021-01-02T03:04:05.678000Z", "2021-01-02T03:04:05.678Z", "2021-01-02T03:04:05Z",
                                  "1609556645", "1609556645.678"])
def test_msg_14_query_timestamps_of_every_client_are_understood(server, world, cast, channel, text):
    world.send(channel, cast[0], "now")
    path = f"/channels/{quoted(channel)}/messages?not-before={quoted(text)}"
    answer = send(server, "GET", path, bearer=cast[0])
    assert answer.status == 200, answer
    assert [each["Content"] for each in answer.json["ChannelMessages"]] == ["now"]
    answer = send(server, "GET", path.replace("not-before", "not-after"), bearer=cast[0])
    assert answer.json["ChannelMessages"] == []


def test_msg_14_a_malformed_query_timestamp_is_refused(server, cast, channel):
    answer = send(server, "GET", f"/channels/{quoted(channel)}/messages?not-before=yesterday", bearer=cast[0])
    assert (answer.status, answer.error) == (400, "BadRequestException")


def test_msg_15_a_non_member_lists_a_public_channels_messages_and_not_a_private_ones(world, cast, channel):
    public = world.channel(cast[0], privacy="PUBLIC")
    world.send(public, cast[0], "open")
    assert world.messages(public, cast[2]) == ["open"]
    assert refusal(world.messages, channel, cast[2]) == FORBIDDEN


def test_msg_16_admins_and_moderators_must_be_members_to_send(world, cast, channel):
    admin = world.admin()
    world.moderator(channel, cast[2], cast[0])
    assert refusal(world.send, channel, admin) == FORBIDDEN
    assert refusal(world.send, channel, cast[2]) == FORBIDDEN
    world.join(channel, admin, cast[0])
    world.send(channel, admin)


@pytest.mark.parametrize("content", ["naïve \u2603 \U0001f9ea", "a\u0000b", "tab\tline\nquote\"back\\slash", "\u202e"])
def test_content_comes_back_character_for_character(world, cast, channel, content):
    try:
        message = world.send(channel, cast[0], content)
    except world.messaging.exceptions.BadRequestException:
        assert "\u0000" in content, "only a NUL may be refused"
        return
    assert world.message(channel, message, cast[1])["Content"] == content


def test_content_sent_as_raw_utf8_and_as_escapes_is_the_same(server, world, cast, channel):
    for body in ('{"Content":"\u2603"', '{"Content":"\\u2603"'):
        raw = body + f',"Type":"STANDARD","Persistence":"PERSISTENT","ClientRequestToken":"{token()}"}}'
        answer = send(server, "POST", f"/channels/{quoted(channel)}/messages", raw.encode(), bearer=cast[0])
        assert answer.status == 201, answer
    assert world.messages(channel, cast[1]) == ["\u2603", "\u2603"]


def test_message_status_of_a_sent_message_is_sent(world, cast, channel):
    message = world.send(channel, cast[0])
    answer = world.messaging.get_channel_message_status(ChannelArn=channel, MessageId=message, ChimeBearer=cast[0])
    assert answer["Status"]["Value"] == "SENT"


def test_message_attributes_are_returned(world, cast, channel):
    attributes = {"topic": {"StringValues": ["a", "b"]}}
    message = world.send(channel, cast[0], MessageAttributes=attributes)
    assert world.message(channel, message, cast[1])["MessageAttributes"] == attributes


def test_chn_22_an_attachment_is_a_link_in_the_metadata_and_comes_back_as_it_was(world, cast, channel):
    link = '{"attachments":[{"key":"s3://bucket/a b.pdf","size":12,"type":"application/pdf"}]}'
    message = world.send(channel, cast[0], Metadata=link)
    assert world.message(channel, message, cast[1])["Metadata"] == link
