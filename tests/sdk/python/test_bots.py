"""Bots of an app instance: made, changed, listed, tagged, and participants of channels."""

import json
import time

import pytest

from harness.clients import (
    ACCESS_DENIED,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    RESOURCE_LIMIT,
    Clients,
    Keys,
    quoted,
    refusal,
    send,
    token,
)
from harness.sockets import open_socket
from harness.world import World

ALIAS = "arn:aws:lex:us-east-1:123456789012:bot-alias/ABCDEFGHIJ/0123456789"
LEX = {"LexBotAliasArn": ALIAS, "LocaleId": "en_US"}
INVOKED = {"StandardMessages": "MENTIONS", "TargetedMessages": "ALL"}


def create(world, name="helper", lex=None, **more):
    return world.identity.create_app_instance_bot(**{
        "AppInstanceArn": world.app, "Name": name, "ClientRequestToken": token(),
        "Configuration": {"Lex": lex or LEX}, **more})["AppInstanceBotArn"]


def described(world, bot):
    return world.identity.describe_app_instance_bot(AppInstanceBotArn=bot)["AppInstanceBot"]


def listed(world, **more):
    return world.identity.list_app_instance_bots(AppInstanceArn=world.app, **more)


def test_a_bot_is_created_described_updated_listed_and_deleted(world):
    lex = {**LEX, "InvokedBy": INVOKED, "WelcomeIntent": "Say_Hello"}
    answer = world.identity.create_app_instance_bot(
        AppInstanceArn=world.app, Name="helper", Metadata="m", ClientRequestToken=token(), Configuration={"Lex": lex})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    bot = answer["AppInstanceBotArn"]
    assert bot.startswith(f"{world.app}/bot/")
    found = described(world, bot)
    created = found["CreatedTimestamp"]
    assert found == {"AppInstanceBotArn": bot, "Name": "helper", "Metadata": "m", "Configuration": {"Lex": lex},
                     "CreatedTimestamp": created, "LastUpdatedTimestamp": created}
    time.sleep(0.01)
    answer = world.identity.update_app_instance_bot(AppInstanceBotArn=bot, Name="renamed", Metadata="")
    assert answer["AppInstanceBotArn"] == bot
    found = described(world, bot)
    assert (found["Name"], found.get("Metadata", ""), found["Configuration"]) == ("renamed", "", {"Lex": lex})
    assert found["CreatedTimestamp"] == created < found["LastUpdatedTimestamp"]
    simple = {**LEX, "RespondsTo": "STANDARD_MESSAGES"}
    world.identity.update_app_instance_bot(AppInstanceBotArn=bot, Name="renamed", Metadata="n",
                                           Configuration={"Lex": simple})
    assert described(world, bot)["Configuration"] == {"Lex": simple}
    page = listed(world)
    assert page["AppInstanceArn"] == world.app
    assert page["AppInstanceBots"] == [{"AppInstanceBotArn": bot, "Name": "renamed", "Metadata": "n"}]
    answer = world.identity.delete_app_instance_bot(AppInstanceBotArn=bot)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert listed(world)["AppInstanceBots"] == []
    assert refusal(described, world, bot) == NOT_FOUND
    world.identity.delete_app_instance_bot(AppInstanceBotArn=bot)


def test_a_bot_needs_no_name(world):
    bot = world.identity.create_app_instance_bot(
        AppInstanceArn=world.app, ClientRequestToken=token(), Configuration={"Lex": LEX})["AppInstanceBotArn"]
    assert described(world, bot).get("Name", "") == ""
    assert [one["AppInstanceBotArn"] for one in listed(world)["AppInstanceBots"]] == [bot]


def test_bots_are_listed_in_pages_apart_from_users(world):
    bots = {create(world, f"bot {n}") for n in range(5)}
    users = set(world.users("alice", "bob"))
    found, more = [], {}
    while True:
        page = listed(world, MaxResults=2, **more)
        found += [one["AppInstanceBotArn"] for one in page["AppInstanceBots"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert sorted(found) == sorted(bots)
    page = world.identity.list_app_instance_users(AppInstanceArn=world.app)
    assert {one["AppInstanceUserArn"] for one in page["AppInstanceUsers"]} == users


def test_operations_on_users_do_not_know_bots_and_those_on_bots_do_not_know_users(world):
    bot, user = create(world), world.user("alice")
    assert refusal(world.identity.describe_app_instance_user, AppInstanceUserArn=bot).status in (400, 403)
    assert refusal(world.identity.update_app_instance_user, AppInstanceUserArn=bot, Name="x",
                   Metadata="").status in (400, 403)
    assert refusal(described, world, user).status in (400, 403, 404)
    assert refusal(world.identity.update_app_instance_bot, AppInstanceBotArn=user, Name="x",
                   Metadata="").status in (400, 403)
    assert refusal(world.identity.delete_app_instance_bot, AppInstanceBotArn=user).status in (400, 403)
    assert world.identity.describe_app_instance_user(AppInstanceUserArn=user)
    try:
        world.identity.delete_app_instance_user(AppInstanceUserArn=bot)
    except world.identity.exceptions.ForbiddenException:
        pass
    assert described(world, bot)["Name"] == "helper"


def test_what_does_not_exist_is_not_found_when_described_and_forbidden_when_changed(world):
    missing = f"{world.app}/bot/00000000-0000-4000-8000-000000000000"
    assert refusal(described, world, missing) == NOT_FOUND
    assert refusal(world.identity.update_app_instance_bot, AppInstanceBotArn=missing, Name="x",
                   Metadata="") == FORBIDDEN
    gone = world.app[:-36] + "00000000-0000-4000-8000-000000000000"
    assert refusal(world.identity.list_app_instance_bots, AppInstanceArn=gone) == FORBIDDEN
    assert refusal(create, world, AppInstanceArn=gone) == FORBIDDEN


def test_creating_a_bot_twice_with_one_token_makes_one_bot_and_other_parameters_conflict(world):
    call = {"ClientRequestToken": token()}
    assert create(world, **call) == create(world, **call)
    assert len(listed(world)["AppInstanceBots"]) == 1
    assert refusal(create, world, "other", **call) == CONFLICT


def test_the_tags_of_a_bot_are_given_at_creation_added_listed_and_taken(world):
    bot = create(world, Tags=[{"Key": "team", "Value": "chat"}])
    tags = world.identity
    tags.tag_resource(ResourceARN=bot, Tags=[{"Key": "env", "Value": "test"}])
    found = tags.list_tags_for_resource(ResourceARN=bot)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in found} == {"team": "chat", "env": "test"}
    tags.untag_resource(ResourceARN=bot, TagKeys=["team"])
    assert tags.list_tags_for_resource(ResourceARN=bot)["Tags"] == [{"Key": "env", "Value": "test"}]


def test_the_number_of_bots_of_an_app_instance_is_a_quota(launch):
    world = World(Clients(launch(env={"CHIME_QUOTAS__BOTS_PER_APP_INSTANCE": "1"})))
    first = create(world)
    assert refusal(create, world, "second") == RESOURCE_LIMIT
    world.identity.delete_app_instance_bot(AppInstanceBotArn=first)
    create(world, "second")


@pytest.mark.parametrize("lex", [
    {**LEX, "LexBotAliasArn": ALIAS.replace("bot-alias", "bot")},
    {**LEX, "LexBotAliasArn": ALIAS.lower()},
    {**LEX, "LexBotAliasArn": ALIAS + "X"},
    {**LEX, "LexBotAliasArn": ALIAS.replace("us-east-1", "nowhere")},
    {**LEX, "LexBotAliasArn": ALIAS.replace("arn:aws:", "arn:other:")},
    {**LEX, "LexBotAliasArn": "helper"},
    {"LocaleId": "en_US"},
    {"LexBotAliasArn": ALIAS},
    {**LEX, "LocaleId": ""},
    {**LEX, "WelcomeIntent": "Say Hello"},
    {**LEX, "WelcomeIntent": "_Hello"},
    {**LEX, "WelcomeIntent": "Say__Hello"},
    {**LEX, "WelcomeIntent": "a" * 101},
    {**LEX, "WelcomeIntent": ""},
    {**LEX, "RespondsTo": "EVERYTHING"},
    {**LEX, "InvokedBy": {"StandardMessages": "MENTIONS"}},
    {**LEX, "InvokedBy": {**INVOKED, "TargetedMessages": "MENTIONS"}},
    None,
], ids=["not an alias", "lower case", "long", "no region", "partition", "no arn", "no alias", "no locale",
        "empty locale", "intent with a space", "intent of _", "intent with __", "long intent", "empty intent",
        "responds to", "half invoked", "bad invoked", "none"])
def test_a_configuration_out_of_bounds_is_a_bad_request(server, world, lex):
    bot = create(world)
    body = {"AppInstanceArn": world.app, "Name": "x", "Metadata": "", "ClientRequestToken": token(),
            "Configuration": {"Lex": lex}}
    answer = send(server, "POST", "/app-instance-bots", body)
    assert (answer.status, answer.error) == (400, "BadRequestException"), answer
    answer = send(server, "PUT", f"/app-instance-bots/{quoted(bot)}", body)
    assert (answer.status, answer.error) == (400, "BadRequestException"), answer
    assert described(world, bot)["Configuration"] == {"Lex": LEX}


@pytest.mark.parametrize("member, value", [("Name", "n" * 257), ("Metadata", "m" * 1025), ("Name", "bell\u0007")])
def test_names_and_metadata_out_of_bounds_are_a_bad_request(server, world, member, value):
    body = {"AppInstanceArn": world.app, "Name": "x", "Metadata": "", "ClientRequestToken": token(),
            "Configuration": {"Lex": LEX}, member: value}
    answer = send(server, "POST", "/app-instance-bots", body)
    assert (answer.status, answer.error) == (400, "BadRequestException"), answer


# In channels

@pytest.fixture
def bot(world):
    return create(world)


def test_a_bot_is_a_member_sends_and_reads_as_bearer(server, world, bot, sockets):
    alice = world.user("alice")
    channel = world.channel(alice, privacy="PRIVATE")
    answer = world.join(channel, bot, alice)
    assert answer["Member"] == {"Arn": bot, "Name": "helper"}
    assert bot in world.members(channel, alice)
    ear = sockets(server, alice)
    message = world.send(channel, bot, "at your service")
    heard = ear.frame()
    assert (heard.payload["Content"], heard.payload["Sender"]) == ("at your service", {"Arn": bot, "Name": "helper"})
    world.send(channel, alice, "thanks")
    assert world.messages(channel, bot) == ["thanks", "at your service"]
    assert world.message(channel, message, bot)["Sender"] == {"Arn": bot, "Name": "helper"}
    world.messaging.update_channel_message(ChannelArn=channel, MessageId=message, Content="edited", ChimeBearer=bot)
    assert world.messages(channel, alice) == ["thanks", "edited"]
    found = world.messaging.describe_channel_membership(ChannelArn=channel, MemberArn=bot, ChimeBearer=alice)
    assert found["ChannelMembership"]["Member"] == {"Arn": bot, "Name": "helper"}
    world.leave(channel, bot, alice)
    assert refusal(world.send, channel, bot) == FORBIDDEN


def test_a_bot_is_added_in_a_batch_and_at_the_creation_of_a_channel(world, bot):
    alice = world.user("alice")
    channel = world.channel(alice, MemberArns=[bot])
    assert bot in world.members(channel, alice)
    second = world.channel(alice)
    answer = world.messaging.batch_create_channel_membership(
        ChannelArn=second, MemberArns=[bot], ChimeBearer=alice)
    assert [one["Arn"] for one in answer["BatchChannelMemberships"]["Members"]] == [bot]
    assert answer.get("Errors", []) == []


def test_a_bot_may_be_targeted_and_target(world, bot):
    alice, bob = world.users("alice", "bob")
    channel = world.channel(alice)
    for member in (bot, bob):
        world.join(channel, member, alice)
    world.send(channel, alice, "secret question", Target=[{"MemberArn": bot}])
    world.send(channel, bot, "secret answer", Target=[{"MemberArn": alice}])
    assert world.messages(channel, bot) == world.messages(channel, alice) == ["secret answer", "secret question"]
    assert world.messages(channel, bob) == []


def test_a_renamed_bot_sends_with_its_new_name(world, bot):
    alice = world.user("alice")
    channel = world.channel(alice)
    world.join(channel, bot, alice)
    world.identity.update_app_instance_bot(AppInstanceBotArn=bot, Name="renamed", Metadata="")
    message = world.send(channel, bot)
    assert world.message(channel, message, alice)["Sender"] == {"Arn": bot, "Name": "renamed"}


def test_a_deleted_bot_leaves_its_channels_its_messages_stay_and_it_cannot_act(world, bot):
    alice = world.user("alice")
    channel = world.channel(alice)
    world.join(channel, bot, alice)
    world.send(channel, bot, "last words")
    world.identity.delete_app_instance_bot(AppInstanceBotArn=bot)
    for _ in range(50):
        if bot not in world.members(channel, alice):
            break
        time.sleep(0.1)
    assert world.members(channel, alice) == [alice]
    assert world.messages(channel, alice) == ["last words"]
    assert refusal(world.send, channel, bot).status in (401, 403)
    assert refusal(world.join, channel, bot, alice).status in (400, 403, 404)


def test_a_bot_creates_and_moderates_a_channel(world, bot):
    alice = world.user("alice")
    channel = world.channel(bot, mode="RESTRICTED", privacy="PRIVATE")
    world.join(channel, alice, bot)
    message = world.send(channel, alice, "rude")
    world.messaging.redact_channel_message(ChannelArn=channel, MessageId=message, ChimeBearer=bot)
    assert world.message(channel, message, alice)["Redacted"] is True
    found = world.messaging.describe_channel(ChannelArn=channel, ChimeBearer=alice)["Channel"]
    assert found["CreatedBy"] == {"Arn": bot, "Name": "helper"}


def test_a_bot_is_promoted_to_administrator_acts_as_one_and_is_demoted(world, bot):
    alice = world.user("alice")
    channel = world.channel(alice, privacy="PRIVATE")
    message = world.send(channel, alice, "rude")
    of = {"AppInstanceArn": world.app, "AppInstanceAdminArn": bot}
    answer = world.identity.create_app_instance_admin(**of)
    assert answer["AppInstanceAdmin"] == {"Arn": bot, "Name": "helper"}
    found = world.identity.list_app_instance_admins(AppInstanceArn=world.app)["AppInstanceAdmins"]
    assert [one["Admin"]["Arn"] for one in found] == [bot]
    world.messaging.delete_channel_message(ChannelArn=channel, MessageId=message, ChimeBearer=bot)
    assert world.messages(channel, alice) == []
    world.identity.delete_app_instance_admin(**of)
    assert refusal(world.messages, channel, bot) == FORBIDDEN


def test_a_socket_is_for_users_and_is_closed_to_a_bot(server, world, bot):
    with open_socket(server, bot, established=False) as ear:
        assert ear.closed_with() == 4003


def test_a_bot_of_another_app_instance_is_refused_as_member_and_as_bearer(world, root):
    alice, foreign = world.user("alice"), create(World(root))
    channel = world.channel(alice)
    assert refusal(world.join, channel, foreign, alice).status in (400, 403, 404)
    assert refusal(world.send, channel, foreign).status in (401, 403)


def test_a_policy_allows_sending_as_one_bot(world, root, bot):
    alice, other = world.user("alice"), create(world, "other")
    channel = world.channel(alice)
    for member in (bot, other):
        world.join(channel, member, alice)
    name = f"bot-{token()[:12]}"
    root.iam.create_user(UserName=name)
    root.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "chime:SendChannelMessage",
                                                "Resource": [bot, f"{world.app}/channel/*"]}]}))
    own = Clients(root.server, Keys.of(root.iam.create_access_key(UserName=name)["AccessKey"])).messaging
    call = {"ChannelArn": channel, "Content": "x", "Type": "STANDARD", "Persistence": "PERSISTENT",
            "ClientRequestToken": token()}
    own.send_channel_message(ChimeBearer=bot, **call)
    assert refusal(own.send_channel_message, ChimeBearer=other, **call) == ACCESS_DENIED


def test_an_app_instance_with_bots_is_deleted_with_them(world, bot):
    world.identity.delete_app_instance(AppInstanceArn=world.app)
    assert refusal(described, world, bot).status in (403, 404)
