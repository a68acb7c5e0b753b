"""Channels, memberships, moderators and bans: rules CHN-*."""

import datetime
import time

import pytest

from harness import clock
from harness.clients import BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, Clients, quoted, refusal, send, token
from harness.world import World


@pytest.fixture
def cast(world):
    """Alice owns, bob and carol are bystanders."""
    return world.users("alice", "bob", "carol")


def described(world, channel, bearer):
    return world.messaging.describe_channel(ChannelArn=channel, ChimeBearer=bearer)["Channel"]


def test_chn_01_a_channel_gets_an_arn_under_its_app_instance_and_201(world, cast):
    answer = world.messaging.create_channel(AppInstanceArn=world.app, Name="general", Mode="RESTRICTED",
                                            Privacy="PRIVATE", Metadata="m", ChimeBearer=cast[0],
                                            ClientRequestToken=token())
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["ChannelArn"].startswith(f"{world.app}/channel/")
    channel = described(world, answer["ChannelArn"], cast[0])
    assert {k: channel[k] for k in ("Name", "Mode", "Privacy", "Metadata", "ChannelArn")} == {
        "Name": "general", "Mode": "RESTRICTED", "Privacy": "PRIVATE", "Metadata": "m",
        "ChannelArn": answer["ChannelArn"]}
    assert channel["CreatedBy"] == {"Arn": cast[0], "Name": "alice"}
    age = datetime.datetime.now(datetime.timezone.utc) - channel["CreatedTimestamp"]
    assert abs(age.total_seconds()) < 60


def test_chn_01_the_caller_may_choose_the_channel_id_once(world, cast):
    assert world.channel(cast[0], ChannelId="lobby-1") == f"{world.app}/channel/lobby-1"
    assert refusal(world.channel, cast[0], ChannelId="lobby-1") == CONFLICT


def test_chn_01_members_and_moderators_may_be_named_at_creation(world, cast):
    alice, bob, carol = cast
    channel = world.channel(alice, MemberArns=[bob], ModeratorArns=[carol])
    assert {alice, bob} <= set(world.members(channel, alice))
    moderators = world.messaging.list_channel_moderators(ChannelArn=channel, ChimeBearer=alice)["ChannelModerators"]
    assert {each["Moderator"]["Arn"] for each in moderators} == {alice, carol}


def test_chn_02_and_03_the_creator_alone_is_member_and_moderator(world, cast):
    channel = world.channel(cast[0])
    assert world.members(channel, cast[0]) == [cast[0]]
    moderators = world.messaging.list_channel_moderators(ChannelArn=channel, ChimeBearer=cast[0])["ChannelModerators"]
    assert [each["Moderator"] for each in moderators] == [{"Arn": cast[0], "Name": "alice"}]


def test_chn_04_and_05_anyone_may_join_a_public_unrestricted_channel_itself(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice, privacy="PUBLIC", mode="UNRESTRICTED")
    world.join(channel, bob, bob)
    assert bob in world.members(channel, alice)


@pytest.mark.parametrize("privacy, mode", [("PRIVATE", "UNRESTRICTED"), ("PUBLIC", "RESTRICTED"),
                                           ("PRIVATE", "RESTRICTED")])
def test_chn_05_a_non_member_may_not_join_any_other_channel_itself(world, cast, privacy, mode):
    alice, bob, _ = cast
    channel = world.channel(alice, privacy=privacy, mode=mode)
    assert refusal(world.join, channel, bob, bob) == FORBIDDEN


def test_chn_05_a_non_member_may_not_add_another(world, cast):
    alice, bob, carol = cast
    assert refusal(world.join, world.channel(alice), carol, bob) == FORBIDDEN


@pytest.mark.parametrize("privacy", ["PUBLIC", "PRIVATE"])
def test_chn_06_and_07_mode_decides_whether_a_member_may_add_others(world, cast, privacy):
    alice, bob, carol = cast
    for mode, allowed in (("UNRESTRICTED", True), ("RESTRICTED", False)):
        channel = world.channel(alice, privacy=privacy, mode=mode)
        world.join(channel, bob, alice)
        if allowed:
            world.join(channel, carol, bob)
        else:
            assert refusal(world.join, channel, carol, bob) == FORBIDDEN


def test_chn_08_a_channel_made_without_mode_and_privacy_is_public_and_restricted(world, cast):
    channel = world.messaging.create_channel(AppInstanceArn=world.app, Name="n", ChimeBearer=cast[0],
                                             ClientRequestToken=token())["ChannelArn"]
    found = described(world, channel, cast[0])
    assert (found["Privacy"], found["Mode"]) == ("PUBLIC", "RESTRICTED")


def test_chn_09_an_update_changes_name_mode_and_metadata_and_never_privacy(server, world, cast):
    channel = world.channel(cast[0], privacy="PRIVATE", Metadata="old")
    before = described(world, channel, cast[0])["LastUpdatedTimestamp"]
    time.sleep(0.01)
    body = {"Name": "new", "Mode": "RESTRICTED", "Metadata": "new", "Privacy": "PUBLIC"}
    assert send(server, "PUT", f"/channels/{quoted(channel)}", body, bearer=cast[0]).status == 200
    after = described(world, channel, cast[0])
    assert (after["Name"], after["Mode"], after["Metadata"], after["Privacy"]) == (
        "new", "RESTRICTED", "new", "PRIVATE")
    assert after["LastUpdatedTimestamp"] > before


def test_chn_09_an_update_leaves_what_it_does_not_name(world, cast):
    channel = world.channel(cast[0], name="kept", Metadata="kept")
    world.messaging.update_channel(ChannelArn=channel, Mode="RESTRICTED", ChimeBearer=cast[0])
    after = described(world, channel, cast[0])
    assert (after["Name"], after["Metadata"], after["Mode"]) == ("kept", "kept", "RESTRICTED")


def test_chn_10_a_hidden_member_reads_but_does_not_send_and_is_listed_only_as_hidden(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice, privacy="PRIVATE")
    world.join(channel, bob, alice, type="HIDDEN")
    world.send(channel, alice, "seen")
    assert world.messages(channel, bob) == ["seen"]
    assert refusal(world.send, channel, bob) == FORBIDDEN
    assert world.members(channel, alice) == [alice]
    assert world.members(channel, alice, Type="DEFAULT") == [alice]
    assert world.members(channel, alice, Type="HIDDEN") == [bob]


def test_chn_11_a_membership_records_type_member_inviter_and_times(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice)
    answer = world.join(channel, bob, alice)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["Member"] == {"Arn": bob, "Name": "bob"}
    found = world.messaging.describe_channel_membership(ChannelArn=channel, MemberArn=bob,
                                                        ChimeBearer=alice)["ChannelMembership"]
    assert (found["Type"], found["Member"], found["InvitedBy"], found["ChannelArn"]) == (
        "DEFAULT", {"Arn": bob, "Name": "bob"}, {"Arn": alice, "Name": "alice"}, channel)
    assert found["CreatedTimestamp"] and found["LastUpdatedTimestamp"]


def test_chn_11_a_missing_membership_is_not_found(world, cast):
    channel = world.channel(cast[0])
    assert refusal(world.messaging.describe_channel_membership, ChannelArn=channel, MemberArn=cast[1],
                   ChimeBearer=cast[0]) == NOT_FOUND


def test_chn_12_adding_a_member_twice_is_a_conflict(world, cast):
    channel = world.channel(cast[0])
    assert refusal(world.join, channel, cast[0], cast[0]) == CONFLICT


def test_chn_12_a_batch_adds_the_new_and_reports_the_existing_one(world, cast):
    alice, bob, carol = cast
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    answer = world.messaging.batch_create_channel_membership(ChannelArn=channel, MemberArns=[bob, carol],
                                                             Type="DEFAULT", ChimeBearer=alice)
    assert [each["Arn"] for each in answer["BatchChannelMemberships"]["Members"]] == [carol]
    assert [(each["MemberArn"], each["ErrorCode"]) for each in answer["Errors"]] == [(bob, "Conflict")]
    assert set(world.members(channel, alice)) == {alice, bob, carol}


def test_chn_12_a_batch_has_at_most_100_members(world, cast):
    channel = world.channel(cast[0])
    arns = [world.arn(f"nobody{n}") for n in range(101)]
    assert refusal(world.messaging.batch_create_channel_membership, ChannelArn=channel, MemberArns=arns,
                   ChimeBearer=cast[0]) == BAD_REQUEST
    answer = world.messaging.batch_create_channel_membership(ChannelArn=channel, MemberArns=arns[:100],
                                                             ChimeBearer=cast[0])
    assert len(answer["Errors"]) == 100


def test_chn_13_a_ban_removes_the_member_and_keeps_it_out_until_it_is_lifted(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    answer = world.messaging.create_channel_ban(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)
    assert answer["Member"] == {"Arn": bob, "Name": "bob"}
    assert world.members(channel, alice) == [alice]
    assert refusal(world.join, channel, bob, alice) == FORBIDDEN
    assert refusal(world.join, channel, bob, bob) == FORBIDDEN
    world.messaging.delete_channel_ban(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)
    world.join(channel, bob, alice)


def test_chn_13_a_ban_is_described_and_listed(world, cast):
    alice, bob, carol = cast
    channel = world.channel(alice)
    world.ban(channel, bob, alice)
    found = world.messaging.describe_channel_ban(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)["ChannelBan"]
    assert (found["Member"]["Arn"], found["CreatedBy"]["Arn"], found["ChannelArn"]) == (bob, alice, channel)
    listed = world.messaging.list_channel_bans(ChannelArn=channel, ChimeBearer=alice)["ChannelBans"]
    assert [each["Member"]["Arn"] for each in listed] == [bob]
    assert refusal(world.messaging.describe_channel_ban, ChannelArn=channel, MemberArn=carol,
                   ChimeBearer=alice) == NOT_FOUND
    assert refusal(world.ban, channel, bob, alice) == CONFLICT


def test_chn_14_an_admin_or_a_moderator_of_the_channel_cannot_be_banned(world, cast):
    alice, bob, _ = cast
    admin = world.admin()
    channel = world.channel(alice)
    world.moderator(channel, bob, alice)
    assert refusal(world.ban, channel, admin, alice) == FORBIDDEN
    assert refusal(world.ban, channel, bob, alice) == FORBIDDEN


def test_chn_15_lifting_a_ban_does_not_bring_the_membership_back(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    world.ban(channel, bob, alice)
    world.messaging.delete_channel_ban(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)
    assert world.members(channel, alice) == [alice]
    assert refusal(world.send, channel, bob) == FORBIDDEN


def test_chn_17_a_deleted_channel_is_forbidden_at_once_and_its_name_leaves_every_list(world, cast):
    alice = cast[0]
    channel = world.channel(alice)
    message = world.send(channel, alice)
    answer = world.messaging.delete_channel(ChannelArn=channel, ChimeBearer=alice)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    of = {"ChannelArn": channel, "ChimeBearer": alice}
    assert refusal(world.messaging.describe_channel, **of) == FORBIDDEN
    assert refusal(world.messaging.list_channel_messages, **of) == FORBIDDEN
    assert refusal(world.messaging.delete_channel, **of) == FORBIDDEN
    assert refusal(world.messaging.get_channel_message, MessageId=message, **of).status in (403, 404)
    assert world.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=alice)["Channels"] == []
    assert world.messaging.list_channel_memberships_for_app_instance_user(
        ChimeBearer=alice)["ChannelMemberships"] == []


@pytest.mark.parametrize("field, longest", [("Name", 256), ("Metadata", 1024)])
def test_chn_18_name_and_metadata_are_taken_at_their_bound_and_refused_past_it(world, cast, field, longest):
    def make(text):
        arguments = {"name": text} if field == "Name" else {"Metadata": text}
        return world.channel(cast[0], **arguments)

    channel = make("x" * longest)
    assert refusal(make, "x" * (longest + 1)) == BAD_REQUEST
    assert refusal(world.messaging.update_channel, ChannelArn=channel, ChimeBearer=cast[0],
                   **{field: "x" * (longest + 1)}) == BAD_REQUEST


@pytest.mark.parametrize("arguments", [{"mode": "OPEN"}, {"privacy": "SECRET"}])
def test_chn_18_unknown_enum_values_are_refused(world, cast, arguments):
    assert refusal(world.channel, cast[0], **arguments) == BAD_REQUEST


def test_chn_19_the_read_marker_is_set_to_now_and_seen_by_its_owner(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    answer = world.messaging.update_channel_read_marker(ChannelArn=channel, ChimeBearer=bob)
    assert answer["ChannelArn"] == channel
    found = world.messaging.describe_channel_membership_for_app_instance_user(
        ChannelArn=channel, AppInstanceUserArn=bob, ChimeBearer=bob)["ChannelMembership"]
    summary = found["AppInstanceUserMembershipSummary"]
    age = datetime.datetime.now(datetime.timezone.utc) - summary["ReadMarkerTimestamp"]
    assert abs(age.total_seconds()) < 60
    assert summary["Type"] == "DEFAULT"
    assert found["ChannelSummary"]["ChannelArn"] == channel


def test_chn_19_a_non_member_has_no_read_marker_to_set(world, cast):
    channel = world.channel(cast[0])
    assert refusal(world.messaging.update_channel_read_marker, ChannelArn=channel, ChimeBearer=cast[1]) == FORBIDDEN


def test_chn_20_last_message_timestamp_is_that_of_the_last_persistent_message(world, cast):
    alice = cast[0]
    channel = world.channel(alice)
    assert "LastMessageTimestamp" not in described(world, channel, alice)
    message = world.send(channel, alice)
    created = world.message(channel, message, alice)["CreatedTimestamp"]
    world.send(channel, alice, persistence="NON_PERSISTENT")
    assert described(world, channel, alice)["LastMessageTimestamp"] == created


def test_chn_21_everyone_lists_public_channels_and_only_admins_private_ones(world, cast):
    alice, bob, _ = cast
    admin = world.admin()
    public, private = world.channel(alice, privacy="PUBLIC"), world.channel(alice, privacy="PRIVATE")

    def listed(bearer, **more):
        found = world.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=bearer, **more)
        return [each["ChannelArn"] for each in found["Channels"]]

    assert listed(bob) == listed(bob, Privacy="PUBLIC") == [public]
    assert listed(alice) == [public], "own private channels come from the membership list (rule ROLE-02)"
    assert listed(admin, Privacy="PRIVATE") == [private]
    assert refusal(listed, alice, Privacy="PRIVATE") == FORBIDDEN


def test_memberships_and_moderated_channels_of_a_user_are_listed(world, cast):
    alice, bob, _ = cast
    admin = world.admin()
    first, second = world.channel(alice, privacy="PRIVATE"), world.channel(alice)
    world.join(second, bob, alice)
    found = world.messaging.list_channel_memberships_for_app_instance_user(AppInstanceUserArn=alice, ChimeBearer=admin)
    assert {each["ChannelSummary"]["ChannelArn"] for each in found["ChannelMemberships"]} == {first, second}
    found = world.messaging.list_channel_memberships_for_app_instance_user(ChimeBearer=bob)
    assert [each["ChannelSummary"]["ChannelArn"] for each in found["ChannelMemberships"]] == [second]
    found = world.messaging.list_channels_moderated_by_app_instance_user(ChimeBearer=alice)
    assert {each["ChannelSummary"]["ChannelArn"] for each in found["Channels"]} == {first, second}
    assert world.messaging.list_channels_moderated_by_app_instance_user(ChimeBearer=bob)["Channels"] == []


def test_a_moderator_is_made_described_listed_and_removed(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice)
    of = {"ChannelArn": channel, "ChannelModeratorArn": bob, "ChimeBearer": alice}
    assert refusal(world.messaging.describe_channel_moderator, **of) == NOT_FOUND
    assert world.messaging.create_channel_moderator(**of)["ChannelModerator"] == {"Arn": bob, "Name": "bob"}
    assert refusal(world.messaging.create_channel_moderator, **of) == CONFLICT
    found = world.messaging.describe_channel_moderator(**of)["ChannelModerator"]
    assert (found["Moderator"]["Arn"], found["CreatedBy"]["Arn"]) == (bob, alice)
    world.messaging.delete_channel_moderator(**of)
    assert refusal(world.messaging.describe_channel_moderator, **of) == NOT_FOUND


def test_memberships_moderators_and_bans_that_are_gone_are_deleted_again_without_an_error(world, cast):
    """Wire.md T-09; whether the ban must exist (rule ROLE-04) is left open by the two texts."""
    alice, bob, _ = cast
    channel = world.channel(alice)
    world.leave(channel, bob, alice)
    world.messaging.delete_channel_moderator(ChannelArn=channel, ChannelModeratorArn=bob, ChimeBearer=alice)


def test_membership_preferences_are_kept_for_their_owner(world, cast):
    alice, bob, _ = cast
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    of = {"ChannelArn": channel, "MemberArn": bob, "ChimeBearer": bob}
    preferences = {"PushNotifications": {"AllowNotifications": "FILTERED", "FilterRule": '{"type": ["urgent"]}'}}
    world.messaging.put_channel_membership_preferences(Preferences=preferences, **of)
    assert world.messaging.get_channel_membership_preferences(**of)["Preferences"] == preferences


def test_search_finds_the_channels_that_have_all_the_named_members(world, cast):
    alice, bob, carol = cast
    both, _ = world.channel(alice, privacy="PRIVATE", MemberArns=[bob]), world.channel(alice, MemberArns=[carol])
    found = world.messaging.search_channels(
        ChimeBearer=alice, Fields=[{"Key": "MEMBERS", "Values": [alice, bob], "Operator": "INCLUDES"}])
    assert [each["ChannelArn"] for each in found["Channels"]] == [both]


def test_a_channel_with_an_expiration_setting_is_deleted_when_it_falls_due(own_server):
    world = World(Clients(own_server))
    alice = world.user("alice")
    channel, other = world.channel(alice), world.channel(alice)
    world.messaging.put_channel_expiration_settings(
        ChannelArn=channel, ChimeBearer=alice,
        ExpirationSettings={"ExpirationDays": 2, "ExpirationCriterion": "CREATED_TIMESTAMP"})
    clock.advance(own_server, days=1)
    assert described(world, channel, alice)["ExpirationSettings"]["ExpirationDays"] == 2
    clock.advance(own_server, days=1, hours=1)
    assert refusal(world.messaging.describe_channel, ChannelArn=channel, ChimeBearer=alice) == FORBIDDEN
    assert described(world, other, alice)
