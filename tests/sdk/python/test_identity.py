"""App instances, users and admins: rules APP-*."""

import datetime
import re

import pytest

from harness import clock
from harness.clients import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    RESOURCE_LIMIT,
    UNAUTHORIZED,
    Clients,
    quoted,
    refusal,
    send,
    token,
)
from harness.world import World

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def recent(moment):
    return abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) < 60


def test_app_01_an_app_instance_gets_an_arn_with_a_uuid_and_201(root):
    answer = root.identity.create_app_instance(Name="NameOfAppInstance", ClientRequestToken=token())
    assert re.fullmatch(rf"arn:aws:chime:us-east-1:\d{{12}}:app-instance/{UUID}", answer["AppInstanceArn"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201


def test_app_01_a_described_app_instance_has_its_name_metadata_and_timestamps(root):
    arn = root.identity.create_app_instance(Name="n", Metadata="m", ClientRequestToken=token())["AppInstanceArn"]
    found = root.identity.describe_app_instance(AppInstanceArn=arn)["AppInstance"]
    assert (found["AppInstanceArn"], found["Name"], found["Metadata"]) == (arn, "n", "m")
    assert recent(found["CreatedTimestamp"]) and recent(found["LastUpdatedTimestamp"])


def test_app_01_app_instances_are_listed(root, world):
    seen, page = [], root.identity.list_app_instances(MaxResults=50)
    while True:
        seen += [each["AppInstanceArn"] for each in page["AppInstances"]]
        if not page.get("NextToken"):
            break
        page = root.identity.list_app_instances(NextToken=page["NextToken"])
    assert world.app in seen


def test_app_01_update_changes_name_and_metadata(root, world):
    answer = root.identity.update_app_instance(AppInstanceArn=world.app, Name="new", Metadata="data")
    assert answer["AppInstanceArn"] == world.app
    found = root.identity.describe_app_instance(AppInstanceArn=world.app)["AppInstance"]
    assert (found["Name"], found["Metadata"]) == ("new", "data")


def test_app_03_update_without_metadata_leaves_it_and_an_empty_one_clears_it(server, root, world):
    path = f"/app-instances/{quoted(world.app)}"
    root.identity.update_app_instance(AppInstanceArn=world.app, Name="a", Metadata="kept")
    assert send(server, "PUT", path, {"Name": "b"}).status == 200
    assert root.identity.describe_app_instance(AppInstanceArn=world.app)["AppInstance"]["Metadata"] == "kept"
    assert send(server, "PUT", path, {"Name": "b", "Metadata": ""}).status == 200
    assert not root.identity.describe_app_instance(AppInstanceArn=world.app)["AppInstance"].get("Metadata")


@pytest.mark.parametrize("name, metadata", [("n" * 256, ""), ("n", "m" * 1024), ("n", "\u00e9" * 512)])
def test_app_03_the_longest_name_and_metadata_are_taken(root, name, metadata):
    root.identity.create_app_instance(Name=name, Metadata=metadata, ClientRequestToken=token())


@pytest.mark.parametrize("name, metadata", [("n" * 257, ""), ("n", "m" * 1025), ("n", "\u00e9" * 513)])
def test_app_03_one_past_the_longest_name_or_metadata_is_refused(root, name, metadata):
    assert refusal(root.identity.create_app_instance, Name=name, Metadata=metadata,
                   ClientRequestToken=token()) == BAD_REQUEST


def test_app_04_retention_belongs_to_one_app_instance(root, world):
    other = World(root)
    root.identity.put_app_instance_retention_settings(
        AppInstanceArn=world.app, AppInstanceRetentionSettings={"ChannelRetentionSettings": {"RetentionDays": 7}})
    settings = root.identity.get_app_instance_retention_settings(AppInstanceArn=other.app)
    assert not settings.get("AppInstanceRetentionSettings", {}).get("ChannelRetentionSettings")


def test_app_05_an_empty_app_instance_lists_no_users_and_no_admins(root, world):
    assert root.identity.list_app_instance_users(AppInstanceArn=world.app)["AppInstanceUsers"] == []
    assert root.identity.list_app_instance_admins(AppInstanceArn=world.app)["AppInstanceAdmins"] == []


def test_app_06_a_user_has_the_callers_id_in_its_arn(root, world):
    answer = root.identity.create_app_instance_user(AppInstanceArn=world.app, AppInstanceUserId="johndoe", Name="John",
                                                    Metadata="{}", ClientRequestToken=token())
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["AppInstanceUserArn"] == f"{world.app}/user/johndoe"
    user = root.identity.describe_app_instance_user(AppInstanceUserArn=answer["AppInstanceUserArn"])["AppInstanceUser"]
    assert (user["Name"], user["Metadata"]) == ("John", "{}")
    assert recent(user["CreatedTimestamp"])


def test_app_06_users_are_listed_by_app_instance(root, world):
    alice, bob = world.users("alice", "bob")
    page = root.identity.list_app_instance_users(AppInstanceArn=world.app)
    assert page["AppInstanceArn"] == world.app
    assert {each["AppInstanceUserArn"] for each in page["AppInstanceUsers"]} == {alice, bob}


def test_app_06_update_changes_a_users_name(root, world):
    alice = world.user("alice")
    root.identity.update_app_instance_user(AppInstanceUserArn=alice, Name="Alice L.", Metadata="x")
    user = root.identity.describe_app_instance_user(AppInstanceUserArn=alice)["AppInstanceUser"]
    assert (user["Name"], user["Metadata"]) == ("Alice L.", "x")


@pytest.mark.parametrize("user_id", ["a", "A1", "a.b@c_d-e:f", "x" * 64])
def test_app_06_user_ids_of_the_documented_pattern_are_taken(world, user_id):
    assert world.user(user_id) == f"{world.app}/user/{user_id}"


@pytest.mark.parametrize("user_id", ["x" * 65, "-a", "a-", "a b", "a/b", "\u00e9", "a\n"])
def test_app_06_user_ids_outside_the_pattern_are_refused(root, world, user_id):
    assert refusal(root.identity.create_app_instance_user, AppInstanceArn=world.app, AppInstanceUserId=user_id,
                   Name="n", ClientRequestToken=token()) == BAD_REQUEST


def test_app_06_a_user_name_has_at_most_100_characters(root, world):
    world.user("long", "\u00e9" * 100)
    assert refusal(world.user, "longer", "n" * 101) == BAD_REQUEST


def test_app_06_the_same_user_id_again_is_a_conflict(world):
    world.user("alice")
    assert refusal(world.user, "alice") == CONFLICT


def test_app_06_a_user_of_a_missing_app_instance_is_forbidden(root, world):
    assert refusal(root.identity.create_app_instance_user, AppInstanceArn=world.app[:-1] + "x", AppInstanceUserId="a",
                   Name="n", ClientRequestToken=token()) in (FORBIDDEN, BAD_REQUEST)
    root.identity.delete_app_instance(AppInstanceArn=world.app)
    assert refusal(world.user, "alice") == FORBIDDEN


def test_app_06_a_missing_user_is_forbidden_not_not_found(root, world):
    assert refusal(root.identity.describe_app_instance_user, AppInstanceUserArn=world.arn("nobody")) == FORBIDDEN


def test_app_07_a_bearer_of_another_app_instance_is_unauthorized(root, world):
    stranger = World(root).user("stranger")
    assert refusal(world.channel, stranger) == UNAUTHORIZED


def test_app_07_a_member_of_another_app_instance_is_forbidden(root, world):
    stranger, alice = World(root).user("stranger"), world.user("alice")
    channel = world.channel(alice)
    assert refusal(world.join, channel, stranger, alice) == FORBIDDEN
    assert refusal(world.moderator, channel, stranger, alice) == FORBIDDEN
    assert refusal(world.ban, channel, stranger, alice) == FORBIDDEN


def test_app_08_a_user_becomes_admin(root, world):
    alice = world.user("alice", "Alice")
    answer = root.identity.create_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=alice)
    assert answer["AppInstanceAdmin"] == {"Arn": alice, "Name": "Alice"}
    found = root.identity.describe_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=alice)
    assert found["AppInstanceAdmin"]["Admin"] == {"Arn": alice, "Name": "Alice"}
    assert found["AppInstanceAdmin"]["AppInstanceArn"] == world.app
    assert recent(found["AppInstanceAdmin"]["CreatedTimestamp"])
    listed = root.identity.list_app_instance_admins(AppInstanceArn=world.app)["AppInstanceAdmins"]
    assert [each["Admin"]["Arn"] for each in listed] == [alice]


def test_app_08_an_existing_admin_again_is_a_conflict(root, world):
    admin = world.admin()
    assert refusal(root.identity.create_app_instance_admin, AppInstanceArn=world.app,
                   AppInstanceAdminArn=admin) == CONFLICT


def test_app_09_an_admin_who_is_a_member_has_the_rights_of_both(world):
    admin, alice = world.admin(), world.user("alice")
    channel = world.channel(alice, privacy="PRIVATE")
    world.join(channel, admin, alice)
    message = world.send(channel, admin, "as a member")
    world.messaging.delete_channel_message(ChannelArn=channel, MessageId=message, ChimeBearer=admin)
    assert world.messages(channel, alice) == []


def test_app_10_deleting_an_admin_demotes_and_keeps_the_user_and_its_memberships(root, world):
    admin, alice = world.admin(), world.user("alice")
    channel = world.channel(alice, privacy="PRIVATE")
    world.join(channel, admin, alice)
    root.identity.delete_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=admin)
    assert root.identity.list_app_instance_admins(AppInstanceArn=world.app)["AppInstanceAdmins"] == []
    assert root.identity.describe_app_instance_user(AppInstanceUserArn=admin)
    message = world.send(channel, admin, "still a member")
    assert refusal(world.messaging.delete_channel_message, ChannelArn=channel, MessageId=message,
                   ChimeBearer=admin) == FORBIDDEN


def test_app_11_a_deleted_user_leaves_its_messages_and_nothing_else(root, world):
    alice, bob, carol = world.users("alice", "bob", "carol")
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    world.moderator(channel, bob, alice)
    world.ban(channel, carol, alice)
    message = world.send(channel, bob, "mine")
    root.identity.create_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=bob)
    for user in (bob, carol):
        answer = root.identity.delete_app_instance_user(AppInstanceUserArn=user)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert world.members(channel, alice) == [alice]
    moderators = world.messaging.list_channel_moderators(ChannelArn=channel, ChimeBearer=alice)["ChannelModerators"]
    assert [each["Moderator"]["Arn"] for each in moderators] == [alice]
    assert world.messaging.list_channel_bans(ChannelArn=channel, ChimeBearer=alice)["ChannelBans"] == []
    assert root.identity.list_app_instance_admins(AppInstanceArn=world.app)["AppInstanceAdmins"] == []
    assert world.message(channel, message, alice)["Sender"]["Arn"] == bob
    assert refusal(world.channel, bob) == UNAUTHORIZED


def test_app_12_a_deleted_app_instance_is_gone_at_once(root, world):
    alice = world.user("alice")
    channel = world.channel(alice)
    answer = root.identity.delete_app_instance(AppInstanceArn=world.app)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(root.identity.describe_app_instance, AppInstanceArn=world.app) == FORBIDDEN
    assert refusal(root.identity.describe_app_instance_user, AppInstanceUserArn=alice) == FORBIDDEN
    assert refusal(world.messaging.describe_channel, ChannelArn=channel, ChimeBearer=alice).status in (401, 403)


def test_app_13_to_18_each_quota_refuses_the_one_past_it_and_not_the_last(launch):
    server = launch(env={
        "CHIME_QUOTAS__APP_INSTANCES_PER_ACCOUNT": "1",
        "CHIME_QUOTAS__USERS_PER_APP_INSTANCE": "4",
        "CHIME_QUOTAS__ADMINS_PER_APP_INSTANCE": "1",
        "CHIME_QUOTAS__CHANNELS_PER_APP_INSTANCE": "1",
        "CHIME_QUOTAS__MEMBERSHIPS_PER_CHANNEL": "2",
        "CHIME_QUOTAS__MODERATORS_PER_CHANNEL": "2",
    })
    world = World(Clients(server))
    assert refusal(World, world.clients) == RESOURCE_LIMIT
    alice, bob, carol, _ = world.users("alice", "bob", "carol", "dave")
    assert refusal(world.user, "erin") == RESOURCE_LIMIT
    make_admin = world.identity.create_app_instance_admin
    make_admin(AppInstanceArn=world.app, AppInstanceAdminArn=carol)
    assert refusal(make_admin, AppInstanceArn=world.app, AppInstanceAdminArn=bob) == RESOURCE_LIMIT
    channel = world.channel(alice)
    assert refusal(world.channel, alice) == RESOURCE_LIMIT
    world.join(channel, bob, alice)
    assert refusal(world.join, channel, carol, alice) == RESOURCE_LIMIT
    world.moderator(channel, bob, alice)
    assert refusal(world.moderator, channel, carol, alice) == RESOURCE_LIMIT


def test_app_13_the_101st_app_instance_of_an_account_is_refused_by_default(launch):
    clients = Clients(launch(database="memory:"))
    for _ in range(100):
        World(clients)
    assert refusal(World, clients) == RESOURCE_LIMIT


def test_app_21_tags_are_set_replaced_listed_and_removed(root, world):
    tag = root.identity.tag_resource
    answer = tag(ResourceARN=world.app, Tags=[{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "test"}])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    tag(ResourceARN=world.app, Tags=[{"Key": "team", "Value": "b"}])
    listed = root.identity.list_tags_for_resource(ResourceARN=world.app)["Tags"]
    assert {each["Key"]: each["Value"] for each in listed} == {"team": "b", "stage": "test"}
    root.identity.untag_resource(ResourceARN=world.app, TagKeys=["team"])
    listed = root.identity.list_tags_for_resource(ResourceARN=world.app)["Tags"]
    assert listed == [{"Key": "stage", "Value": "test"}]


def test_app_21_users_and_channels_are_taggable_also_when_made(root, world):
    tags = [{"Key": "k", "Value": "v"}]
    alice = world.user("alice", Tags=tags)
    channel = world.channel(alice, Tags=tags)
    assert root.identity.list_tags_for_resource(ResourceARN=alice)["Tags"] == tags
    assert root.messaging.list_tags_for_resource(ResourceARN=channel)["Tags"] == tags


def test_app_21_a_resource_has_at_most_50_tags(root, world):
    tags = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
    root.identity.tag_resource(ResourceARN=world.app, Tags=tags[:50])
    refused = refusal(root.identity.tag_resource, ResourceARN=world.app, Tags=tags[50:])
    assert refused in (BAD_REQUEST, RESOURCE_LIMIT), refused


@pytest.mark.parametrize("key, value", [("k" * 129, "v"), ("k", "v" * 257)])
def test_app_21_tag_keys_and_values_are_bounded(root, world, key, value):
    root.identity.tag_resource(ResourceARN=world.app, Tags=[{"Key": "k" * 128, "Value": "v" * 256}])
    assert refusal(root.identity.tag_resource, ResourceARN=world.app,
                   Tags=[{"Key": key, "Value": value}]) == BAD_REQUEST


def test_app_21_tags_of_a_missing_resource_are_refused(root, world):
    refused = refusal(root.identity.list_tags_for_resource, ResourceARN=world.arn("nobody"))
    assert refused in (FORBIDDEN, NOT_FOUND), refused


def test_a_user_with_an_expiration_setting_is_deleted_when_it_falls_due(own_server):
    world = World(Clients(own_server))
    alice, bob = world.users("alice", "bob")
    answer = world.identity.put_app_instance_user_expiration_settings(
        AppInstanceUserArn=alice,
        ExpirationSettings={"ExpirationDays": 2, "ExpirationCriterion": "CREATED_TIMESTAMP"})
    assert answer["ExpirationSettings"]["ExpirationDays"] == 2
    clock.advance(own_server, days=1)
    assert world.identity.describe_app_instance_user(AppInstanceUserArn=alice)
    clock.advance(own_server, days=1, hours=1)
    assert refusal(world.identity.describe_app_instance_user, AppInstanceUserArn=alice) == FORBIDDEN
    assert world.identity.describe_app_instance_user(AppInstanceUserArn=bob)
