"""Channel flows: making, changing, listing and tagging them, giving them to channels, and who may call back."""

import json
import time

import pytest

from harness.clients import (
    ACCESS_DENIED,
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    RESOURCE_LIMIT,
    UNAUTHORIZED,
    Clients,
    Keys,
    quoted,
    refusal,
    send,
    token,
)
from harness.flows import associate, create_flow, disassociate, processor
from harness.world import World

ARN = "arn:aws:lambda:us-east-1:123456789012:function:filter"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def cast(world):
    return world.users("alice", "bob")


@pytest.fixture
def channel(world, cast):
    arn = world.channel(cast[0])
    world.join(arn, cast[1], cast[0])
    return arn


@pytest.fixture
def flow(world):
    return create_flow(world, processor(ARN))


def described(world, flow):
    return world.messaging.describe_channel_flow(ChannelFlowArn=flow)["ChannelFlow"]


def listed(world, **more):
    return world.messaging.list_channel_flows(AppInstanceArn=world.app, **more)


def test_a_flow_is_created_described_updated_listed_and_deleted(world):
    answer = world.messaging.create_channel_flow(
        AppInstanceArn=world.app, Name="flow", Processors=[processor(ARN)], ClientRequestToken=token())
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    flow = answer["ChannelFlowArn"]
    assert flow.startswith(f"{world.app}/channel-flow/")
    found = described(world, flow)
    created = found["CreatedTimestamp"]
    assert found == {"ChannelFlowArn": flow, "Name": "flow", "Processors": [processor(ARN)],
                     "CreatedTimestamp": created, "LastUpdatedTimestamp": created}
    time.sleep(0.01)
    changed = [processor(ARN + ":$LATEST", order=2, fallback="CONTINUE", name="second"), processor(ARN)]
    answer = world.messaging.update_channel_flow(ChannelFlowArn=flow, Name="renamed", Processors=changed)
    assert answer["ChannelFlowArn"] == flow
    found = described(world, flow)
    assert (found["Name"], found["CreatedTimestamp"]) == ("renamed", created)
    assert found["LastUpdatedTimestamp"] > created
    assert sorted(found["Processors"], key=lambda one: one["ExecutionOrder"]) == changed[::-1]
    assert listed(world)["ChannelFlows"] == [
        {"ChannelFlowArn": flow, "Name": "renamed", "Processors": found["Processors"]}]
    answer = world.messaging.delete_channel_flow(ChannelFlowArn=flow)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert listed(world)["ChannelFlows"] == []
    assert refusal(described, world, flow) == FORBIDDEN


def test_flows_are_listed_in_pages_that_end(world):
    made = {create_flow(world, processor(ARN), name=f"flow {n}") for n in range(5)}
    found, more = [], {}
    while True:
        page = listed(world, MaxResults=2, **more)
        assert len(page["ChannelFlows"]) <= 2
        found += [one["ChannelFlowArn"] for one in page["ChannelFlows"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert sorted(found) == sorted(made)


def test_flows_of_another_app_instance_are_not_listed(world, root, flow):
    assert listed(World(root))["ChannelFlows"] == []


def test_creating_a_flow_twice_with_one_token_makes_one_flow_and_other_parameters_conflict(world):
    call = {"AppInstanceArn": world.app, "Name": "flow", "Processors": [processor(ARN)],
            "ClientRequestToken": token()}
    first = world.messaging.create_channel_flow(**call)["ChannelFlowArn"]
    assert world.messaging.create_channel_flow(**call)["ChannelFlowArn"] == first
    assert len(listed(world)["ChannelFlows"]) == 1
    assert refusal(world.messaging.create_channel_flow, **{**call, "Name": "other"}) == CONFLICT


def test_the_number_of_flows_of_an_app_instance_is_a_quota(launch):
    world = World(Clients(launch(env={"CHIME_QUOTAS__FLOWS_PER_APP_INSTANCE": "1"})))
    first = create_flow(world, processor(ARN))
    assert refusal(create_flow, world, processor(ARN)) == RESOURCE_LIMIT
    world.messaging.delete_channel_flow(ChannelFlowArn=first)
    create_flow(world, processor(ARN))


@pytest.mark.parametrize("name", ["", "n" * 257, "bell\u0007"])
def test_a_flow_needs_a_name_of_1_to_256_printable_characters(server, world, name):
    body = {"AppInstanceArn": world.app, "Name": name, "Processors": [processor(ARN)], "ClientRequestToken": token()}
    assert send(server, "POST", "/channel-flows", body).status == 400
    body["Name"] = "n" * 256
    assert send(server, "POST", "/channel-flows", body).status == 201


def test_the_tags_of_a_flow_are_given_at_creation_added_listed_and_taken(world):
    flow = create_flow(world, processor(ARN), Tags=[{"Key": "team", "Value": "chat"}])
    tags = world.messaging

    def now():
        found = tags.list_tags_for_resource(ResourceARN=flow)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    assert now() == {"team": "chat"}
    tags.tag_resource(ResourceARN=flow, Tags=[{"Key": "team", "Value": "calls"}, {"Key": "env", "Value": "test"}])
    assert now() == {"team": "calls", "env": "test"}
    tags.untag_resource(ResourceARN=flow, TagKeys=["team"])
    assert now() == {"env": "test"}
    tags.delete_channel_flow(ChannelFlowArn=flow)
    assert refusal(tags.list_tags_for_resource, ResourceARN=flow).status in (403, 404)


# Bad flows

@pytest.mark.parametrize("arn", [
    "arn:aws:lambda:us-east-1:123456789012:function:",
    "arn:aws:lambda:us-east-1:123456789012:layer:filter",
    "arn:aws:lambda:us-east-1:1234:function:filter",
    "arn:aws:lambda:us-east-1:123456789012:function:a/b",
    "arn:aws:lambda:us-east-1:123456789012:function:filter:",
    "arn:other:lambda:us-east-1:123456789012:function:filter",
    "arn:aws:s3:::bucket/filter.txt",
    "filter-function-name",
    "http://127.0.0.1:1/invoke",
])
def test_what_is_no_arn_of_a_function_is_refused(world, arn):
    assert refusal(create_flow, world, processor(arn)) == BAD_REQUEST
    assert listed(world)["ChannelFlows"] == []


@pytest.mark.parametrize("arn", [ARN.replace("123456789012", "210987654321"), ARN.replace("us-east-1", "eu-central-1")])
def test_a_function_of_another_account_or_region_is_refused(world, flow, arn):
    assert refusal(create_flow, world, processor(arn)) == BAD_REQUEST
    assert refusal(world.messaging.update_channel_flow, ChannelFlowArn=flow, Name="flow",
                   Processors=[processor(arn)]) == BAD_REQUEST
    assert described(world, flow)["Processors"] == [processor(ARN)]


@pytest.mark.parametrize("processors", [
    [],
    [processor(ARN, n, name=f"p{n}") for n in (1, 2, 3, 4)],
    [processor(ARN, 1), processor(ARN, 1, name="other")],
    [processor(ARN, 0)],
    [processor(ARN, 4)],
    [processor(ARN, fallback="RETRY")],
    [{**processor(ARN), "Configuration": {"Lambda": {"ResourceArn": ARN, "InvocationType": "SYNC"}}}],
    [{**processor(ARN), "Name": ""}],
    [{**processor(ARN), "ExecutionOrder": "first"}],
    [{"Name": "bare"}],
    [None],
    {},
    None,
], ids=["none", "four", "one order twice", "order 0", "order 4", "unknown fallback", "synchronous", "no name",
        "order of text", "bare", "null", "object", "missing"])
def test_processors_out_of_bounds_are_a_bad_request(server, world, flow, processors):
    body = {"AppInstanceArn": world.app, "Name": "flow", "Processors": processors, "ClientRequestToken": token()}
    answer = send(server, "POST", "/channel-flows", body)
    assert (answer.status, answer.error) == (400, "BadRequestException"), answer
    answer = send(server, "PUT", f"/channel-flows/{quoted(flow)}", {"Name": "flow", "Processors": processors})
    assert (answer.status, answer.error) == (400, "BadRequestException"), answer
    assert len(listed(world)["ChannelFlows"]) == 1


def test_a_flow_that_does_not_exist_is_forbidden_and_its_deletion_succeeds_again(world, flow):
    missing = f"{world.app}/channel-flow/{UNKNOWN}"
    assert refusal(described, world, missing) == FORBIDDEN
    assert refusal(world.messaging.update_channel_flow, ChannelFlowArn=missing, Name="x",
                   Processors=[processor(ARN)]) == FORBIDDEN
    assert refusal(world.messaging.list_channels_associated_with_channel_flow, ChannelFlowArn=missing) == FORBIDDEN
    assert refusal(world.messaging.describe_channel_flow, ChannelFlowArn=f"{world.app}/channel/x") == FORBIDDEN
    gone = world.app[:-36] + UNKNOWN
    assert refusal(world.messaging.list_channel_flows, AppInstanceArn=gone) == FORBIDDEN
    assert refusal(world.messaging.create_channel_flow, AppInstanceArn=gone, Name="x", Processors=[processor(ARN)],
                   ClientRequestToken=token()) == FORBIDDEN
    for _ in range(2):
        world.messaging.delete_channel_flow(ChannelFlowArn=flow)


# Flows of channels

def test_a_channel_is_given_a_flow_shows_it_and_loses_it(world, cast, channel, flow):
    one = {"ChannelArn": channel, "ChimeBearer": cast[0]}
    assert "ChannelFlowArn" not in world.messaging.describe_channel(**one)["Channel"]
    answer = world.messaging.associate_channel_flow(ChannelFlowArn=flow, **one)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert world.messaging.describe_channel(**one)["Channel"]["ChannelFlowArn"] == flow
    found = world.messaging.list_channels_associated_with_channel_flow(ChannelFlowArn=flow)["Channels"]
    assert found == [{"ChannelArn": channel, "Name": "channel", "Mode": "UNRESTRICTED", "Privacy": "PUBLIC"}]
    associate(world, channel, flow, cast[0])
    answer = world.messaging.disassociate_channel_flow(ChannelFlowArn=flow, **one)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ChannelFlowArn" not in world.messaging.describe_channel(**one)["Channel"]
    assert world.messaging.list_channels_associated_with_channel_flow(ChannelFlowArn=flow)["Channels"] == []


def test_the_channels_of_a_flow_are_listed_in_pages_and_a_deleted_channel_is_not_among_them(world, cast, flow):
    channels = [world.channel(cast[0], name=f"c{n}", privacy="PRIVATE") for n in range(5)]
    for each in channels:
        associate(world, each, flow, cast[0])
    world.messaging.delete_channel(ChannelArn=channels.pop(), ChimeBearer=cast[0])
    found, more = [], {}
    while True:
        page = world.messaging.list_channels_associated_with_channel_flow(ChannelFlowArn=flow, MaxResults=2, **more)
        found += [one["ChannelArn"] for one in page["Channels"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert sorted(found) == sorted(channels)


def test_a_flow_that_a_channel_has_is_not_deleted_until_it_is_taken_away(world, cast, channel, flow):
    associate(world, channel, flow, cast[0])
    assert refusal(world.messaging.delete_channel_flow, ChannelFlowArn=flow) == CONFLICT
    disassociate(world, channel, flow, cast[0])
    world.messaging.delete_channel_flow(ChannelFlowArn=flow)
    assert refusal(associate, world, channel, flow, cast[0]) == NOT_FOUND


def test_a_flow_whose_only_channel_was_deleted_can_be_deleted(world, cast, channel, flow):
    associate(world, channel, flow, cast[0])
    world.messaging.delete_channel(ChannelArn=channel, ChimeBearer=cast[0])
    for _ in range(50):
        try:
            world.messaging.delete_channel_flow(ChannelFlowArn=flow)
            break
        except world.messaging.exceptions.ConflictException:
            time.sleep(0.1)
    assert listed(world)["ChannelFlows"] == []


def test_a_channel_has_one_flow_at_most(world, cast, channel, flow):
    second = create_flow(world, processor(ARN), name="second")
    associate(world, channel, flow, cast[0])
    assert refusal(associate, world, channel, second, cast[0]) == CONFLICT
    assert refusal(disassociate, world, channel, second, cast[0]) == NOT_FOUND
    disassociate(world, channel, flow, cast[0])
    assert refusal(disassociate, world, channel, flow, cast[0]) == NOT_FOUND
    associate(world, channel, second, cast[0])


def test_moderators_and_admins_give_flows_and_members_do_not(world, cast, channel, flow):
    assert refusal(associate, world, channel, flow, cast[1]) == FORBIDDEN
    stranger, admin = world.user(), world.admin()
    assert refusal(associate, world, channel, flow, stranger) == FORBIDDEN
    associate(world, channel, flow, admin)
    assert refusal(disassociate, world, channel, flow, cast[1]) == FORBIDDEN
    disassociate(world, channel, flow, admin)
    associate(world, channel, flow, cast[0])


def test_a_flow_of_another_app_instance_is_not_found(world, root, cast, channel):
    foreign = create_flow(World(root), processor(ARN))
    assert refusal(associate, world, channel, foreign, cast[0]) == NOT_FOUND


def test_giving_a_flow_needs_a_bearer(server, channel, flow):
    answer = send(server, "PUT", f"/channels/{quoted(channel)}/channel-flow", {"ChannelFlowArn": flow})
    assert (answer.status, answer.error) == UNAUTHORIZED, answer


def test_members_hear_that_a_channel_was_given_a_flow(server, world, cast, channel, flow, sockets):
    bob = sockets(server, cast[1])
    associate(world, channel, flow, cast[0])
    heard = bob.frame()
    assert (heard.event, heard.payload["ChannelArn"]) == ("UPDATE_CHANNEL", channel)
    assert heard.payload.get("ChannelFlowArn") == flow


# Who may do what

def person(root, *statements):
    name = f"flows-{token()[:12]}"
    root.iam.create_user(UserName=name)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    if statements:
        root.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    return Clients(root.server, Keys.of(root.iam.create_access_key(UserName=name)["AccessKey"]))


def a_callback(channel):
    return {"ChannelArn": channel, "CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "m"}}


def test_a_policy_that_allows_the_callback_on_one_channel_allows_that_and_nothing_else(world, root, cast, channel):
    processors = person(root, {"Action": "chime:ChannelFlowCallback", "Resource": channel})
    other = world.channel(cast[0])
    assert refusal(processors.messaging.channel_flow_callback, **a_callback(channel)) == CONFLICT
    assert refusal(processors.messaging.channel_flow_callback, **a_callback(other)) == ACCESS_DENIED
    assert refusal(processors.messaging.list_channel_flows, AppInstanceArn=world.app) == ACCESS_DENIED
    assert refusal(processors.messaging.describe_channel, ChannelArn=channel, ChimeBearer=cast[0]) == ACCESS_DENIED


@pytest.mark.parametrize("resource", [
    "*", "{app}/*", "{app}/channel/*", "arn:aws:chime:us-east-1:{account}:app-instance/*"])
def test_the_callback_is_allowed_by_patterns_that_cover_the_channel(world, root, channel, resource):
    resource = resource.format(app=world.app, account=world.app.split(":")[4])
    processors = person(root, {"Action": "chime:ChannelFlowCallback", "Resource": resource})
    assert refusal(processors.messaging.channel_flow_callback, **a_callback(channel)) == CONFLICT


def test_without_the_permission_the_callback_is_denied_before_anything_is_looked_at(server, root, channel):
    nobody = person(root)
    assert refusal(nobody.messaging.channel_flow_callback, **a_callback(channel)) == ACCESS_DENIED
    answer = send(server, "POST", f"/channels/{quoted(channel)}?operation=channel-flow-callback", {},
                  keys=nobody.keys)
    assert (answer.status, answer.error) == ACCESS_DENIED, answer


def test_operations_on_flows_are_allowed_on_the_flow_and_on_the_app_instance(world, root, flow):
    reader = person(root, {"Action": "chime:DescribeChannelFlow", "Resource": flow},
                    {"Action": ["chime:ListChannelFlows", "chime:CreateChannelFlow"], "Resource": world.app})
    assert reader.messaging.describe_channel_flow(ChannelFlowArn=flow)["ChannelFlow"]["Name"] == "flow"
    assert len(reader.messaging.list_channel_flows(AppInstanceArn=world.app)["ChannelFlows"]) == 1
    reader.messaging.create_channel_flow(AppInstanceArn=world.app, Name="mine", Processors=[processor(ARN)],
                                         ClientRequestToken=token())
    second = create_flow(world, processor(ARN), name="second")
    assert refusal(reader.messaging.describe_channel_flow, ChannelFlowArn=second) == ACCESS_DENIED
    assert refusal(reader.messaging.delete_channel_flow, ChannelFlowArn=flow) == ACCESS_DENIED


# Callbacks out of bounds

@pytest.mark.parametrize("body", [
    {"CallbackId": "0" * 31, "ChannelMessage": {"MessageId": "m"}},
    {"CallbackId": "0" * 65, "ChannelMessage": {"MessageId": "m"}},
    {"ChannelMessage": {"MessageId": "m"}},
    {"CallbackId": "0" * 32},
    {"CallbackId": "0" * 32, "ChannelMessage": {}},
    {"CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "not an id"}},
    {"CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "m", "Content": "x" * 4097}},
    {"CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "m", "Metadata": "x" * 1025}},
    {"CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "m", "ContentType": "x" * 46}},
    {"CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "m", "PushNotification": {"Title": "x" * 51}}},
    {"CallbackId": "0" * 32, "ChannelMessage": {"MessageId": "m"}, "DeleteResource": "maybe"},
], ids=["short id", "long id", "no id", "no message", "no message id", "bad message id", "content", "metadata",
        "content type", "push title", "delete"])
def test_a_callback_out_of_bounds_is_a_bad_request(server, channel, body):
    answer = send(server, "POST", f"/channels/{quoted(channel)}?operation=channel-flow-callback", body)
    assert (answer.status, answer.error) == (400, "BadRequestException"), answer


def test_a_callback_for_a_channel_that_does_not_exist_is_refused_and_tells_nothing(world, channel):
    missing = f"{world.app}/channel/{UNKNOWN}"
    there = refusal(world.messaging.channel_flow_callback, **a_callback(channel))
    gone = refusal(world.messaging.channel_flow_callback, **a_callback(missing))
    assert there == CONFLICT
    assert gone.code in ("ConflictException", "ForbiddenException")
