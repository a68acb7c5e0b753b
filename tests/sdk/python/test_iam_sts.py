"""Users, keys, policies, roles and vended credentials: rules IAM-* and wire.md section 9."""

import datetime
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from harness import clock
from harness.clients import ACCESS_DENIED, FORBIDDEN, UNAUTHORIZED, Clients, Keys, quoted, refusal, send
from harness.sockets import open_socket
from harness.tokens import Issuer
from harness.world import World

MINIMAL = ["chime:ListChannels", "chime:DescribeChannel", "chime:ListChannelMembershipsForAppInstanceUser",
           "chime:DescribeChannelMembershipForAppInstanceUser", "chime:ListChannelsModeratedByAppInstanceUser",
           "chime:DescribeChannelModeratedByAppInstanceUser", "chime:SendChannelMessage", "chime:GetChannelMessage",
           "chime:ListChannelMessages", "chime:Connect"]
"""The seed's minimal user policy (rule IAM-15), without GetMessagingSessionEndpoint, which stands on `*`."""

DEVELOPER = ["CreateAppInstance", "DescribeAppInstance", "ListAppInstances", "UpdateAppInstance", "DeleteAppInstance",
             "CreateAppInstanceUser", "DeleteAppInstanceUser", "ListAppInstanceUsers", "UpdateAppInstanceUser",
             "DescribeAppInstanceUser", "CreateAppInstanceAdmin", "DescribeAppInstanceAdmin", "ListAppInstanceAdmins",
             "DeleteAppInstanceAdmin", "PutAppInstanceRetentionSettings", "GetAppInstanceRetentionSettings",
             "PutAppInstanceStreamingConfigurations", "GetAppInstanceStreamingConfigurations",
             "DeleteAppInstanceStreamingConfigurations", "TagResource", "UntagResource", "ListTagsForResource"]
"""The seed's developer policy (rule IAM-17)."""


def statement(actions, resources="*", effect="Allow", **more):
    return {"Effect": effect, "Action": actions, "Resource": resources, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, action="sts:AssumeRole", **more):
    actions = action if isinstance(action, list) else [action]
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": actions, **more}]})


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def account_of(clients):
    return clients.sts.get_caller_identity()["Account"]


class Person:
    """An IAM user with a key and clients that sign with it."""

    def __init__(self, root, *statements):
        self.root, self.name = root, unique("person")
        self.arn = root.iam.create_user(UserName=self.name)["User"]["Arn"]
        self.keys = Keys.of(root.iam.create_access_key(UserName=self.name)["AccessKey"])
        self.clients = Clients(root.server, self.keys)
        if statements:
            self.allow(*statements)

    def allow(self, *statements, name="inline"):
        self.root.iam.put_user_policy(UserName=self.name, PolicyName=name, PolicyDocument=policy(*statements))


@pytest.fixture
def people(world):
    return world.users("alice", "bob")


def on_user(world, user_id):
    """The two resources of a user action (rule IAM-06)."""
    return [f"{world.app}/user/{user_id}", f"{world.app}/channel/*"]


# Who is calling

def test_get_caller_identity_of_the_root_key(root):
    answer = root.sts.get_caller_identity()
    assert answer["Arn"] == f"arn:aws:iam::{answer['Account']}:root"
    assert len(answer["Account"]) == 12 and answer["Account"].isdigit()


def test_get_caller_identity_of_a_user_needs_no_policy(root):
    person = Person(root)
    answer = person.clients.sts.get_caller_identity()
    assert answer["Arn"] == person.arn == f"arn:aws:iam::{answer['Account']}:user/{person.name}"


# Users, keys and policies

def test_users_are_made_got_listed_and_deleted(root):
    name = unique("user")
    made = root.iam.create_user(UserName=name)["User"]
    assert made["UserName"] == name and made["UserId"] and made["CreateDate"]
    assert root.iam.get_user(UserName=name)["User"]["Arn"] == made["Arn"]
    assert name in [each["UserName"] for each in root.iam.list_users()["Users"]]
    root.iam.delete_user(UserName=name)
    assert refusal(root.iam.get_user, UserName=name) == (404, "NoSuchEntity")


def test_a_second_user_of_the_same_name_already_exists(root):
    person = Person(root)
    assert refusal(root.iam.create_user, UserName=person.name) == (409, "EntityAlreadyExists")


def test_access_keys_are_listed_and_a_deleted_or_inactive_one_stops_at_once(root):
    person = Person(root)
    assert person.clients.sts.get_caller_identity()
    listed = root.iam.list_access_keys(UserName=person.name)["AccessKeyMetadata"]
    assert [(each["AccessKeyId"], each["Status"]) for each in listed] == [(person.keys.access_key, "Active")]
    key = {"UserName": person.name, "AccessKeyId": person.keys.access_key}
    root.iam.update_access_key(Status="Inactive", **key)
    assert refusal(person.clients.identity.list_app_instances) == (403, "UnrecognizedClientException")
    root.iam.update_access_key(Status="Active", **key)
    assert person.clients.sts.get_caller_identity()
    root.iam.delete_access_key(**key)
    assert refusal(person.clients.identity.list_app_instances) == (403, "UnrecognizedClientException")


def test_inline_policies_of_a_user_are_put_got_listed_and_deleted(root):
    person = Person(root)
    document = policy(statement("chime:ListAppInstances"))
    root.iam.put_user_policy(UserName=person.name, PolicyName="p", PolicyDocument=document)
    assert root.iam.list_user_policies(UserName=person.name)["PolicyNames"] == ["p"]
    got = root.iam.get_user_policy(UserName=person.name, PolicyName="p")["PolicyDocument"]
    assert got == json.loads(document)
    root.iam.delete_user_policy(UserName=person.name, PolicyName="p")
    assert root.iam.list_user_policies(UserName=person.name)["PolicyNames"] == []


def test_a_malformed_policy_is_refused(root):
    person = Person(root)
    for document in ("{", "[]", policy(statement("*", effect="Perhaps"))):
        assert refusal(root.iam.put_user_policy, UserName=person.name, PolicyName="p",
                       PolicyDocument=document) == (400, "MalformedPolicyDocument")


def test_customer_managed_policies_are_made_attached_listed_and_detached(root):
    person = Person(root)
    arn = root.iam.create_policy(PolicyName=unique("managed"), PolicyDocument=policy(
        statement("chime:ListAppInstances")))["Policy"]["Arn"]
    assert refusal(person.clients.identity.list_app_instances) == ACCESS_DENIED
    root.iam.attach_user_policy(UserName=person.name, PolicyArn=arn)
    attached = root.iam.list_attached_user_policies(UserName=person.name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [arn]
    person.clients.identity.list_app_instances()
    root.iam.detach_user_policy(UserName=person.name, PolicyArn=arn)
    assert refusal(person.clients.identity.list_app_instances) == ACCESS_DENIED


def test_roles_are_made_got_listed_and_deleted_with_their_policies(root):
    name = unique("role")
    document = trust({"AWS": "*"})
    made = root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    assert made["Arn"].endswith(f":role/{name}")
    root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(statement("chime:*")))
    assert root.iam.list_role_policies(RoleName=name)["PolicyNames"] == ["p"]
    assert root.iam.get_role_policy(RoleName=name, PolicyName="p")["PolicyDocument"]["Statement"]
    root.iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust({"AWS": "arn:aws:iam::000000000000:root"}))
    changed = root.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert changed["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}
    assert name in [each["RoleName"] for each in root.iam.list_roles()["Roles"]]
    assert refusal(root.iam.delete_role, RoleName=name) == (409, "DeleteConflict")
    root.iam.delete_role_policy(RoleName=name, PolicyName="p")
    root.iam.delete_role(RoleName=name)
    assert refusal(root.iam.get_role, RoleName=name) == (404, "NoSuchEntity")


def test_iam_itself_needs_a_policy(root):
    person = Person(root)
    assert refusal(person.clients.iam.create_user, UserName=unique("x")) == (403, "AccessDenied")
    person.allow(statement("iam:CreateUser"))
    person.clients.iam.create_user(UserName=unique("x"))


def test_an_unknown_iam_action_is_an_xml_error(root, server):
    answer = send(server, "POST", "/", b"Action=MakeCoffee&Version=2010-05-08",
                  {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, service="iam")
    assert answer.status == 400
    assert b"<Code>InvalidAction</Code>" in answer.body


# What a policy grants

def test_iam_01_and_02_nothing_is_allowed_without_an_allow_and_the_message_names_the_action(root):
    person = Person(root)
    refused = refusal(person.clients.identity.list_app_instances)
    assert refused == ACCESS_DENIED
    assert "chime:ListAppInstances" in refused.message and person.arn in refused.message
    person.allow(statement("chime:ListAppInstances"))
    person.clients.identity.list_app_instances()


def test_iam_02_an_explicit_deny_wins(root, world):
    person = Person(root, statement("chime:*"))
    person.clients.identity.describe_app_instance(AppInstanceArn=world.app)
    person.allow(statement("chime:DescribeAppInstance", world.app, "Deny"), name="deny")
    refused = refusal(person.clients.identity.describe_app_instance, AppInstanceArn=world.app)
    assert refused == ACCESS_DENIED
    assert "explicit deny" in refused.message
    other = World(root)
    person.clients.identity.describe_app_instance(AppInstanceArn=other.app)


def test_an_iam_change_acts_at_once(root, world):
    person = Person(root)
    for _ in range(5):
        person.allow(statement("chime:DescribeAppInstance"))
        person.clients.identity.describe_app_instance(AppInstanceArn=world.app)
        root.iam.delete_user_policy(UserName=person.name, PolicyName="inline")
        assert refusal(person.clients.identity.describe_app_instance, AppInstanceArn=world.app) == ACCESS_DENIED


def test_iam_03_a_role_denial_stands_against_the_right_policy(root, world, people):
    channel = world.channel(people[0], privacy="PRIVATE")
    person = Person(root, statement("chime:*"))
    assert refusal(person.clients.messaging.describe_channel, ChannelArn=channel, ChimeBearer=people[1]) == FORBIDDEN


def test_iam_04_allowed_needs_the_action_and_the_resource_in_the_policy(root, world, people):
    alice, _ = people
    channel, other = world.channel(alice), world.channel(alice)
    person = Person(root)
    describe = person.clients.messaging.describe_channel
    for actions, resources in (("chime:UpdateChannel", [alice, channel]), ("chime:DescribeChannel", [alice, other])):
        person.allow(statement(actions, resources))
        assert refusal(describe, ChannelArn=channel, ChimeBearer=alice) == ACCESS_DENIED
    person.allow(statement("chime:DescribeChannel", [alice, channel]))
    assert describe(ChannelArn=channel, ChimeBearer=alice)["Channel"]["ChannelArn"] == channel


def test_iam_05_allowed_with_restriction_needs_the_policy_and_the_condition(root, world, people):
    """SendChannelMessage is an admin's after it was made a member."""
    boss, channel = world.admin("boss"), world.channel(people[0])
    person = Person(root)

    def send_as_boss():
        return person.clients.messaging.send_channel_message(
            ChannelArn=channel, Content="x", Type="STANDARD", Persistence="PERSISTENT", ChimeBearer=boss,
            ClientRequestToken=uuid.uuid4().hex)

    assert refusal(send_as_boss) == ACCESS_DENIED
    person.allow(statement("chime:SendChannelMessage", [boss, channel]))
    assert refusal(send_as_boss) == FORBIDDEN
    world.join(channel, boss, boss)
    assert send_as_boss()["MessageId"]


def test_iam_06_a_channel_call_needs_the_action_on_the_user_and_on_the_channel(root, world, people):
    alice, _ = people
    channel = world.channel(alice)
    person = Person(root)
    user_arn, channels = on_user(world, "alice")
    for resources, allowed in (([user_arn], False), ([channels], False), ([user_arn, channels], True)):
        person.allow(statement("chime:DescribeChannel", resources))
        if allowed:
            person.clients.messaging.describe_channel(ChannelArn=channel, ChimeBearer=alice)
        else:
            assert refusal(person.clients.messaging.describe_channel, ChannelArn=channel,
                           ChimeBearer=alice) == ACCESS_DENIED


def test_iam_08_creating_and_listing_channels_need_only_the_user(root, world, people):
    alice, _ = people
    person = Person(root, statement(["chime:CreateChannel", "chime:ListChannels"], f"{world.app}/user/alice"))
    person.clients.messaging.create_channel(AppInstanceArn=world.app, Name="n", ChimeBearer=alice,
                                            ClientRequestToken=uuid.uuid4().hex)
    person.clients.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=alice)


def test_iam_06_one_users_policy_does_not_let_it_act_as_another(root, world, people):
    alice, bob = people
    channel = world.channel(alice)
    person = Person(root, statement("chime:*", on_user(world, "alice")))
    person.clients.messaging.list_channel_messages(ChannelArn=channel, ChimeBearer=alice)
    assert refusal(person.clients.messaging.list_channel_messages, ChannelArn=channel,
                   ChimeBearer=bob) in (ACCESS_DENIED, UNAUTHORIZED)


def test_iam_07_a_message_call_needs_the_channel_itself_when_the_policy_names_one(root, world, people):
    alice, _ = people
    first, second = world.channel(alice), world.channel(alice)
    person = Person(root, statement("chime:ListChannelMessages", [f"{world.app}/user/alice", first]))
    person.clients.messaging.list_channel_messages(ChannelArn=first, ChimeBearer=alice)
    assert refusal(person.clients.messaging.list_channel_messages, ChannelArn=second,
                   ChimeBearer=alice) == ACCESS_DENIED


def test_iam_09_describing_a_user_needs_that_user(root, world, people):
    alice, bob = people
    person = Person(root, statement("chime:DescribeAppInstanceUser", alice))
    person.clients.identity.describe_app_instance_user(AppInstanceUserArn=alice)
    assert refusal(person.clients.identity.describe_app_instance_user, AppInstanceUserArn=bob) == ACCESS_DENIED


def test_iam_10_an_admin_call_needs_the_app_instance_and_the_user(root, world, people):
    call = {"AppInstanceArn": world.app, "AppInstanceAdminArn": people[0]}
    person = Person(root)
    for resources, allowed in (([world.app], False), ([people[0]], False), ([world.app, people[0]], True)):
        person.allow(statement("chime:CreateAppInstanceAdmin", resources))
        if allowed:
            person.clients.identity.create_app_instance_admin(**call)
        else:
            assert refusal(person.clients.identity.create_app_instance_admin, **call) == ACCESS_DENIED


def test_iam_11_describing_an_app_instance_and_its_retention_need_that_app_instance(root, world):
    other = World(root)
    person = Person(root, statement(["chime:DescribeAppInstance", "chime:GetAppInstanceRetentionSettings"], world.app))
    for call in (person.clients.identity.describe_app_instance,
                 person.clients.identity.get_app_instance_retention_settings):
        call(AppInstanceArn=world.app)
        assert refusal(call, AppInstanceArn=other.app) == ACCESS_DENIED


def test_iam_12_an_action_without_resources_is_not_granted_by_a_statement_on_arns(root, world):
    person = Person(root, statement("chime:GetMessagingSessionEndpoint", f"{world.app}/user/*"))
    assert refusal(person.clients.messaging.get_messaging_session_endpoint) == ACCESS_DENIED
    person.allow(statement("chime:GetMessagingSessionEndpoint"))
    assert person.clients.messaging.get_messaging_session_endpoint()["Endpoint"]["Url"]


def test_iam_15_the_minimal_policy_lets_a_user_chat_and_no_more(root, world, people):
    alice, bob = people
    channel = world.channel(bob, privacy="PRIVATE", MemberArns=[alice])
    person = Person(root, statement("chime:GetMessagingSessionEndpoint"), statement(MINIMAL, on_user(world, "alice")))
    mine = person.clients.messaging
    mine.get_messaging_session_endpoint()
    message = mine.send_channel_message(ChannelArn=channel, Content="hi", Type="STANDARD", Persistence="PERSISTENT",
                                        ClientRequestToken=uuid.uuid4().hex, ChimeBearer=alice)["MessageId"]
    of = {"ChannelArn": channel, "ChimeBearer": alice}
    mine.get_channel_message(MessageId=message, **of)
    mine.list_channel_messages(**of)
    mine.describe_channel(**of)
    mine.list_channels(AppInstanceArn=world.app, ChimeBearer=alice)
    mine.list_channel_memberships_for_app_instance_user(ChimeBearer=alice)
    mine.describe_channel_membership_for_app_instance_user(AppInstanceUserArn=alice, **of)
    mine.list_channels_moderated_by_app_instance_user(ChimeBearer=alice)
    assert refusal(mine.update_channel_message, MessageId=message, Content="x", **of) == ACCESS_DENIED
    assert refusal(mine.list_channel_memberships, **of) == ACCESS_DENIED
    assert refusal(person.clients.identity.describe_app_instance, AppInstanceArn=world.app) == ACCESS_DENIED


def test_iam_16_connect_on_the_user_alone_is_enough_for_the_socket(server, root, world, people):
    person = Person(root, statement("chime:Connect", f"{world.app}/user/alice"))
    with open_socket(server, people[0], person.keys):
        pass
    with open_socket(server, people[1], person.keys, established=False) as refused:
        assert refused.closed_with() == 4003


def test_iam_17_the_developer_policy_allows_its_22_actions_and_no_messaging(root):
    person = Person(root, statement([f"chime:{name}" for name in DEVELOPER]))
    theirs = World(person.clients)
    alice = theirs.admin("alice")
    identity = person.clients.identity
    identity.update_app_instance_user(AppInstanceUserArn=alice, Name="A", Metadata="")
    identity.put_app_instance_retention_settings(
        AppInstanceArn=theirs.app, AppInstanceRetentionSettings={"ChannelRetentionSettings": {"RetentionDays": 60}})
    identity.tag_resource(ResourceARN=theirs.app, Tags=[{"Key": "k", "Value": "v"}])
    identity.list_app_instance_admins(AppInstanceArn=theirs.app)
    assert refusal(theirs.channel, alice) == ACCESS_DENIED
    identity.delete_app_instance_admin(AppInstanceArn=theirs.app, AppInstanceAdminArn=alice)
    identity.delete_app_instance_user(AppInstanceUserArn=alice)
    identity.delete_app_instance(AppInstanceArn=theirs.app)


@pytest.mark.parametrize("arn", ["arn:aws:iam::aws:policy/AmazonChimeSDK",
                                 "arn:aws:iam::aws:policy/AmazonChimeFullAccess"])
def test_iam_18_the_guides_managed_policies_exist_and_can_be_attached(root, arn):
    person = Person(root)
    assert root.iam.get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn
    root.iam.attach_user_policy(UserName=person.name, PolicyArn=arn)


def test_iam_18_amazon_chime_full_access_allows_identity_and_amazon_chime_sdk_does_not(root):
    person, other = Person(root), Person(root)
    root.iam.attach_user_policy(UserName=person.name, PolicyArn="arn:aws:iam::aws:policy/AmazonChimeFullAccess")
    root.iam.attach_user_policy(UserName=other.name, PolicyArn="arn:aws:iam::aws:policy/AmazonChimeSDK")
    person.clients.identity.list_app_instances()
    assert refusal(other.clients.identity.list_app_instances) == ACCESS_DENIED


def test_iam_19_the_garbled_action_of_the_guide_is_taken_and_grants_nothing(root, world, people):
    channel = world.channel(people[0])
    person = Person(root, statement(["chime>DeleteChannel", "chime:DescribeChannel"]))
    person.clients.messaging.describe_channel(ChannelArn=channel, ChimeBearer=people[0])
    assert refusal(person.clients.messaging.delete_channel, ChannelArn=channel,
                   ChimeBearer=people[0]) == ACCESS_DENIED


@pytest.mark.parametrize("action, resource", [
    ("GetMeeting", "meeting/m1"), ("CreateAttendee", "meeting/m1"), ("ListAttendees", "meeting/m1"),
    ("GetVoiceConnector", "vc/v1"), ("GetProxySession", "vc/v1"), ("GetSipMediaApplication", "sma/s1")])
def test_iam_13_and_14_the_policy_has_to_name_the_meeting_the_voice_connector_or_the_application(
        root, action, resource):
    """Not all of these operations are built; what a policy has to allow for them is known all the same."""
    arn = f"arn:aws:chime:us-east-1:{account_of(root)}:{resource}"
    person = Person(root)
    question = {"Principal": person.arn, "Action": f"chime:{action}", "Resources": [arn]}
    denied = "denied, as no identity-based policy allows it"
    for granted, allowed in ((arn + "x", False), (arn, True)):
        person.allow(statement(f"chime:{action}", [granted]))
        answer = send(root.server, "POST", "/_chime/explain", question)
        text = answer.body.decode()
        assert answer.status == 200 and f"chime:{action} on {arn}" in text, text
        assert (denied not in text) == allowed, text


def test_iam_20_a_user_is_named_by_its_own_id_and_not_by_that_of_the_app_instance(root, world, people):
    """The guide prints `user/{appInstanceId}` where it means `user/{appInstanceUserId}`."""
    alice, channel = people[0], world.channel(people[0])
    app_id = world.app.rsplit("/", 1)[1]
    person = Person(root, statement("chime:DescribeChannel", on_user(world, app_id)))
    call = {"ChannelArn": channel, "ChimeBearer": alice}
    assert refusal(person.clients.messaging.describe_channel, **call) == ACCESS_DENIED
    person.allow(statement("chime:DescribeChannel", on_user(world, "alice")))
    person.clients.messaging.describe_channel(**call)


def test_iam_21_streaming_actions_are_granted_under_either_name(root, world):
    for name in ("GetAppInstanceStreamingConfigurations", "GetMessagingStreamingConfigurations"):
        person = Person(root, statement(f"chime:{name}", world.app))
        answer = send(root.server, "GET", f"/app-instances/{quoted(world.app)}/streaming-configurations",
                      keys=person.keys)
        assert answer.status in (200, 404) and answer.error != "AccessDeniedException", answer
        assert answer.error != "UnknownOperationException", answer


@pytest.mark.parametrize("actions, name, allowed", [
    ("chime:List*", "list_app_instances", True), ("chime:ListAppInstance?", "list_app_instances", True),
    ("CHIME:listappinstances", "list_app_instances", True), ("*", "list_app_instances", True),
    ("chime:Describe*", "list_app_instances", False), ("sts:*", "list_app_instances", False)])
def test_actions_match_with_wildcards_and_without_case(root, actions, name, allowed):
    person = Person(root, statement(actions))
    if allowed:
        getattr(person.clients.identity, name)()
    else:
        assert refusal(getattr(person.clients.identity, name)) == ACCESS_DENIED


def test_not_action_and_not_resource_are_honoured(root, world):
    other = World(root)
    person = Person(root)
    person.allow({"Effect": "Allow", "NotAction": "chime:DeleteAppInstance", "Resource": "*"})
    person.clients.identity.describe_app_instance(AppInstanceArn=world.app)
    assert refusal(person.clients.identity.delete_app_instance, AppInstanceArn=world.app) == ACCESS_DENIED
    person.allow({"Effect": "Allow", "Action": "chime:*", "NotResource": world.app})
    person.clients.identity.describe_app_instance(AppInstanceArn=other.app)
    assert refusal(person.clients.identity.describe_app_instance, AppInstanceArn=world.app) == ACCESS_DENIED


@pytest.mark.parametrize("condition, allowed", [
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
    ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, False),
    ({"Bool": {"aws:SecureTransport": "false"}}, True),
    ({"Null": {"aws:TokenIssueTime": "true"}}, True),
    ({"StringLike": {"aws:userid": "*"}}, True),
    ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, False),
])
def test_conditions_are_honoured(root, condition, allowed):
    person = Person(root, statement("chime:ListAppInstances", Condition=condition))
    if allowed:
        person.clients.identity.list_app_instances()
    else:
        assert refusal(person.clients.identity.list_app_instances) == ACCESS_DENIED


# Vended credentials

class Vending:
    """The guide's two roles: a server that may assume, and a user role that trusts it (rules IAM-22 to IAM-25)."""

    def __init__(self, root, world, variable="${my_applications_user_id}"):
        self.root, self.world, self.account = root, world, account_of(root)
        self.user_role, self.server_role = unique("UserRole"), unique("ServerRole")
        make = root.iam.create_role
        self.server = make(RoleName=self.server_role, AssumeRolePolicyDocument=trust(
            {"AWS": f"arn:aws:iam::{self.account}:root"}))["Role"]["Arn"]
        self.user = make(RoleName=self.user_role, AssumeRolePolicyDocument=trust(
            {"AWS": self.server}, ["sts:AssumeRole", "sts:TagSession"]))["Role"]["Arn"]
        root.iam.put_role_policy(RoleName=self.server_role, PolicyName="assume", PolicyDocument=policy(
            statement(["sts:AssumeRole", "sts:TagSession"], self.user)))
        root.iam.put_role_policy(RoleName=self.user_role, PolicyName="chat", PolicyDocument=policy(
            statement("chime:GetMessagingSessionEndpoint"),
            statement(MINIMAL + ["chime:CreateChannel"],
                      [f"{world.app}/user/{variable}", f"{world.app}/channel/*"])))

    def as_server(self):
        answer = self.root.sts.assume_role(RoleArn=self.server, RoleSessionName="server")
        return Clients(self.root.server, Keys.of(answer["Credentials"]))

    def vend(self, value, key="my_applications_user_id", **more):
        answer = self.as_server().sts.assume_role(RoleArn=self.user, RoleSessionName="demo",
                                                  Tags=[{"Key": key, "Value": value}], **more)
        return Clients(self.root.server, Keys.of(answer["Credentials"]))


def test_iam_22_assume_role_answers_credentials_and_the_assumed_user(root, world):
    vending = Vending(root, world)
    answer = vending.as_server().sts.assume_role(RoleArn=vending.user, RoleSessionName="demo",
                                                 Tags=[{"Key": "my_applications_user_id", "Value": "alice"}])
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"] and credentials["SecretAccessKey"] and credentials["SessionToken"]
    lifetime = credentials["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert abs(lifetime.total_seconds() - 3600) < 60
    assert answer["AssumedRoleUser"]["Arn"] == (
        f"arn:aws:sts::{vending.account}:assumed-role/{vending.user_role}/demo")
    assert answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":demo")
    session = Clients(root.server, Keys.of(credentials))
    assert session.sts.get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]


@pytest.mark.parametrize("variable, key", [
    ("${my_applications_user_id}", "my_applications_user_id"),
    ("${my_application_user_id}", "my_application_user_id"),
    ("${my_applications_user_guid}", "my_applications_user_guid"),
    ("${aws:PrincipalTag/my_applications_user_guid}", "my_applications_user_guid")])
def test_iam_22_24_and_25_a_session_tag_restricts_the_holder_to_one_user(root, world, people, variable, key):
    alice, bob = people
    session = Vending(root, world, variable).vend("alice", key)
    mine = World.__new__(World)
    mine.clients, mine.identity, mine.messaging, mine.app = session, session.identity, session.messaging, world.app
    channel = mine.channel(alice)
    mine.send(channel, alice, "as alice")
    refused = refusal(mine.send, channel, bob, "as bob")
    assert refused in (ACCESS_DENIED, UNAUTHORIZED), refused
    with open_socket(root.server, alice, session.keys):
        pass
    with open_socket(root.server, bob, session.keys, established=False) as closed:
        assert closed.closed_with() == 4003


def test_iam_25_an_unresolved_variable_matches_nothing(root, world, people):
    session = Vending(root, world).vend("alice", "another_key")
    assert refusal(session.messaging.list_channels, AppInstanceArn=world.app, ChimeBearer=people[0]) == ACCESS_DENIED


def test_iam_22_a_tag_value_is_no_wildcard(root, world, people):
    # AWS does not admit the character in tag values at all.
    vending = Vending(root, world)
    assert refusal(vending.vend, "*") == (400, "ValidationError")


def test_iam_23_both_sides_must_allow_the_role_to_be_assumed(root, world):
    vending = Vending(root, world)
    untrusted = Person(root, statement(["sts:AssumeRole", "sts:TagSession"], vending.user))
    assert refusal(untrusted.clients.sts.assume_role, RoleArn=vending.user,
                   RoleSessionName="xx") == (403, "AccessDenied")
    root.iam.delete_role_policy(RoleName=vending.server_role, PolicyName="assume")
    other = root.iam.create_role(RoleName=unique("Other"), AssumeRolePolicyDocument=trust(
        {"AWS": "arn:aws:iam::000000000000:root"}))["Role"]["Arn"]
    assert refusal(vending.as_server().sts.assume_role, RoleArn=other, RoleSessionName="xx") == (403, "AccessDenied")


def test_iam_22_a_session_policy_narrows_and_never_widens(root, world, people):
    vending = Vending(root, world)
    narrow = vending.vend("alice", Policy=policy(statement("chime:ListChannels")))
    narrow.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=people[0])
    assert refusal(narrow.messaging.get_messaging_session_endpoint) == ACCESS_DENIED
    wide = vending.vend("alice", Policy=policy(statement("*")))
    assert refusal(wide.identity.list_app_instances) == ACCESS_DENIED


@pytest.mark.parametrize("seconds, taken", [(900, True), (3600, True), (899, False), (43201, False)])
def test_iam_22_duration_seconds_is_bounded(root, world, seconds, taken):
    """The upper bound of a role is an hour unless the role says more."""
    vending = Vending(root, world)
    server = vending.as_server()
    call = {"RoleArn": vending.user, "RoleSessionName": "demo", "DurationSeconds": seconds}
    if taken:
        expiration = server.sts.assume_role(**call)["Credentials"]["Expiration"]
        lifetime = (expiration - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        assert abs(lifetime - seconds) < 60
    else:
        try:
            server.sts.assume_role(**call)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationError"
        except Exception as error:  # botocore itself refuses values under the minimum
            assert "DurationSeconds" in str(error)
        else:
            pytest.fail(f"{seconds} seconds were taken")


def test_iam_22_credentials_expire_by_the_servers_clock(own_server):
    root = Clients(own_server)
    world = World(root)
    alice = world.user("alice")
    session = Vending(root, world).vend("alice", DurationSeconds=900)
    session.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=alice)
    clock.advance(own_server, minutes=14)
    session.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=alice)
    clock.advance(own_server, minutes=2)
    refused = refusal(session.messaging.list_channels, AppInstanceArn=world.app, ChimeBearer=alice)
    assert refused == (403, "ExpiredTokenException")


def test_iam_27_a_session_key_without_its_token_or_with_a_foreign_one_is_refused(root, world):
    session = Vending(root, world).vend("alice")
    for keys in (Keys(session.keys.access_key, session.keys.secret_key),
                 Keys(session.keys.access_key, session.keys.secret_key, session.keys.token[:-6] + "AAAAAA"),
                 Keys(*root.server.root, session.keys.token)):
        refused = refusal(Clients(root.server, keys).messaging.get_messaging_session_endpoint)
        assert refused == (403, "UnrecognizedClientException"), refused


def test_removing_a_roles_policy_acts_at_once_on_live_sessions(root, world, people):
    vending = Vending(root, world)
    session = vending.vend("alice")
    session.messaging.get_messaging_session_endpoint()
    root.iam.delete_role_policy(RoleName=vending.user_role, PolicyName="chat")
    assert refusal(session.messaging.get_messaging_session_endpoint) == ACCESS_DENIED


# Web identity

@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture(scope="module")
def federated(request, issuer, tmp_path_factory):
    """A server that knows the test issuer, and a role that trusts it."""
    from harness.server import ChimeServer

    folder = tmp_path_factory.mktemp("oidc")
    jwks = issuer.write_jwks(folder / "jwks.json")
    one = ChimeServer(folder / "data", config=(
        f'[[oidc]]\nissuer = "{issuer.url}"\naudience = "{issuer.audience}"\njwks_file = "{jwks}"\n')).start()
    request.addfinalizer(one.stop)
    root = Clients(one)
    provider = f"arn:aws:iam::{account_of(root)}:oidc-provider/{issuer.url.removeprefix('https://')}"
    role = root.iam.create_role(RoleName="WebUser", AssumeRolePolicyDocument=trust(
        {"Federated": provider}, "sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {"issuer.test:aud": issuer.audience}}))["Role"]["Arn"]
    root.iam.put_role_policy(RoleName="WebUser", PolicyName="p", PolicyDocument=policy(
        statement("chime:GetMessagingSessionEndpoint")))
    return root, role


def with_token(root, role, jwt):
    """This call is not signed: the token is the proof."""
    import boto3
    import botocore.config
    from botocore import UNSIGNED

    sts = boto3.client("sts", endpoint_url=root.server.url, region_name="us-east-1",
                       config=botocore.config.Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken=jwt)


def test_iam_26_a_token_of_the_configured_issuer_gets_credentials_that_work(federated, issuer):
    root, role = federated
    answer = with_token(root, role, issuer.token("johndoe"))
    assert answer["SubjectFromWebIdentityToken"] == "johndoe"
    assert answer["Audience"] == issuer.audience
    session = Clients(root.server, Keys.of(answer["Credentials"]))
    assert session.messaging.get_messaging_session_endpoint()["Endpoint"]["Url"]
    assert ":assumed-role/WebUser/web" in session.sts.get_caller_identity()["Arn"]


def test_iam_26_bad_tokens_get_nothing(federated, issuer):
    root, role = federated
    forged = Issuer(issuer.url, issuer.audience)
    assert refusal(with_token, root, role, issuer.token(lifetime=-3600)) == (400, "ExpiredTokenException")
    for bad in (forged.token(), issuer.token(aud="another"), issuer.token(iss="https://elsewhere.test"), "abc.def.ghi",
                issuer.token() + "x"):
        refused = refusal(with_token, root, role, bad)
        assert refused in ((400, "InvalidIdentityToken"), (403, "AccessDenied")), refused


def test_iam_26_an_unsigned_token_gets_nothing(federated, issuer):
    import jwt as jose

    root, role = federated
    none = jose.encode({"iss": issuer.url, "aud": issuer.audience, "sub": "x", "exp": 4102444800}, None, "none")
    refused = refusal(with_token, root, role, none)
    assert refused in ((400, "InvalidIdentityToken"), (403, "AccessDenied")), refused


def test_iam_26_a_role_that_does_not_trust_the_issuer_is_denied(federated, issuer):
    root, _ = federated
    role = root.iam.create_role(RoleName=unique("Closed"), AssumeRolePolicyDocument=trust(
        {"AWS": f"arn:aws:iam::{account_of(root)}:root"}))["Role"]["Arn"]
    assert refusal(with_token, root, role, issuer.token()) == (403, "AccessDenied")
