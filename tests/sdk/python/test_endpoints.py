"""Endpoints of users: the devices that notifications are pushed to, as they are registered and looked at."""

import json
import time

import pytest

from harness.clients import (
    ACCESS_DENIED,
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    RESOURCE_LIMIT,
    Clients,
    Keys,
    quoted,
    refusal,
    send,
    token,
)
from harness.devices import APP, described, register
from harness.world import World


@pytest.fixture
def alice(world):
    return world.user("alice")


def listed(world, user, **more):
    return world.identity.list_app_instance_user_endpoints(AppInstanceUserArn=user, **more)


def test_an_endpoint_is_registered_described_updated_listed_and_deregistered(world, alice):
    answer = world.identity.register_app_instance_user_endpoint(
        AppInstanceUserArn=alice, Name="phone", Type="APNS_SANDBOX", ResourceArn=APP, ClientRequestToken=token(),
        EndpointAttributes={"DeviceToken": "device", "VoipDeviceToken": "calls"}, AllowMessages="ALL")
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["AppInstanceUserArn"]) == (201, alice)
    endpoint = answer["EndpointId"]
    assert 1 <= len(endpoint) <= 64
    found = described(world, alice, endpoint)
    created = found["CreatedTimestamp"]
    assert found == {
        "AppInstanceUserArn": alice, "EndpointId": endpoint, "Name": "phone", "Type": "APNS_SANDBOX",
        "ResourceArn": APP, "EndpointAttributes": {"DeviceToken": "device", "VoipDeviceToken": "calls"},
        "AllowMessages": "ALL", "EndpointState": {"Status": "ACTIVE"}, "CreatedTimestamp": created,
        "LastUpdatedTimestamp": created}
    time.sleep(0.01)
    of = {"AppInstanceUserArn": alice, "EndpointId": endpoint}
    answer = world.identity.update_app_instance_user_endpoint(AllowMessages="NONE", **of)
    assert (answer["AppInstanceUserArn"], answer["EndpointId"]) == (alice, endpoint)
    found = described(world, alice, endpoint)
    assert (found["Name"], found["AllowMessages"]) == ("phone", "NONE")
    assert found["LastUpdatedTimestamp"] > found["CreatedTimestamp"] == created
    world.identity.update_app_instance_user_endpoint(Name="tablet", **of)
    assert listed(world, alice)["AppInstanceUserEndpoints"] == [
        {"AppInstanceUserArn": alice, "EndpointId": endpoint, "Name": "tablet", "Type": "APNS_SANDBOX",
         "AllowMessages": "NONE", "EndpointState": {"Status": "ACTIVE"}}]
    for _ in range(2):
        answer = world.identity.deregister_app_instance_user_endpoint(**of)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert listed(world, alice)["AppInstanceUserEndpoints"] == []
    assert refusal(described, world, alice, endpoint) == FORBIDDEN
    assert refusal(world.identity.update_app_instance_user_endpoint, Name="x", **of) == FORBIDDEN


def test_messages_are_allowed_unless_said_otherwise(world, alice):
    assert described(world, alice, register(world, alice, "one"))["AllowMessages"] == "ALL"
    assert described(world, alice, register(world, alice, "two", AllowMessages="NONE"))["AllowMessages"] == "NONE"


def test_registering_twice_with_one_token_gives_one_endpoint_and_other_parameters_conflict(world, alice):
    call = {"ClientRequestToken": token()}
    assert register(world, alice, "device", **call) == register(world, alice, "device", **call)
    assert len(listed(world, alice)["AppInstanceUserEndpoints"]) == 1
    assert refusal(register, world, alice, "other", **call) == CONFLICT


def test_the_same_device_twice_is_a_conflict_for_one_user_and_may_be_another_users_too(world, alice):
    first = register(world, alice, "device")
    assert refusal(register, world, alice, "device", Type="GCM", Name="again") == CONFLICT
    bob = world.user("bob")
    register(world, bob, "device")
    world.identity.deregister_app_instance_user_endpoint(AppInstanceUserArn=alice, EndpointId=first)
    assert register(world, alice, "device") != first


def test_endpoints_are_listed_in_pages_and_each_user_has_its_own(world, alice):
    bob = world.user("bob")
    made = {register(world, alice, f"device {n}") for n in range(5)}
    other = register(world, bob, "bobs")
    found, more = [], {}
    while True:
        page = listed(world, alice, MaxResults=2, **more)
        found += [one["EndpointId"] for one in page["AppInstanceUserEndpoints"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert sorted(found) == sorted(made)
    assert refusal(described, world, alice, other) == FORBIDDEN
    world.identity.deregister_app_instance_user_endpoint(AppInstanceUserArn=alice, EndpointId=other)
    assert described(world, bob, other)


def test_the_endpoints_of_a_user_who_does_not_exist_are_forbidden(world):
    nobody = f"{world.app}/user/nobody"
    assert refusal(register, world, nobody, "device") == FORBIDDEN
    assert refusal(listed, world, nobody) == FORBIDDEN
    assert refusal(described, world, nobody, "x") == FORBIDDEN


def test_a_deleted_user_takes_its_endpoints_along(world, alice):
    endpoint = register(world, alice, "device")
    world.identity.delete_app_instance_user(AppInstanceUserArn=alice)
    assert refusal(listed, world, alice) == FORBIDDEN
    for _ in range(50):
        try:
            again = world.user("alice")
            break
        except world.identity.exceptions.ClientError:
            time.sleep(0.1)
    for _ in range(50):
        if not listed(world, again)["AppInstanceUserEndpoints"]:
            break
        time.sleep(0.1)
    assert listed(world, again)["AppInstanceUserEndpoints"] == []
    assert refusal(described, world, again, endpoint) == FORBIDDEN


@pytest.mark.parametrize("change", [
    {"Type": "SMS"},
    {"Type": None},
    {"ResourceArn": "apps/1"},
    {"ResourceArn": None},
    {"ResourceArn": "arn:aws:mobiletargeting:" + "x" * 1600},
    {"EndpointAttributes": None},
    {"EndpointAttributes": {}},
    {"EndpointAttributes": {"DeviceToken": ""}},
    {"EndpointAttributes": {"DeviceToken": "d" * 1601}},
    {"EndpointAttributes": {"DeviceToken": "d", "VoipDeviceToken": ""}},
    {"AllowMessages": "SOME"},
    {"Name": "n" * 1601},
    {"ClientRequestToken": "x"},
], ids=lambda change: " ".join(f"{name}={str(value)[:30]}" for name, value in change.items()))
def test_a_registration_out_of_bounds_is_a_bad_request(server, world, alice, change):
    body = {"Name": "phone", "Type": "GCM", "ResourceArn": APP, "EndpointAttributes": {"DeviceToken": "device"},
            "ClientRequestToken": token(), **change}
    answer = send(server, "POST", f"/app-instance-users/{quoted(alice)}/endpoints", body)
    assert (answer.status, answer.error) == BAD_REQUEST, answer
    assert listed(world, alice)["AppInstanceUserEndpoints"] == []


def test_the_longest_texts_are_taken(world, alice):
    endpoint = register(world, alice, "d" * 1600, Name="\u00e9" * 1600,
                        EndpointAttributes={"VoipDeviceToken": "v" * 1600})
    found = described(world, alice, endpoint)
    assert (found["Name"], found["EndpointAttributes"]) == (
        "\u00e9" * 1600, {"DeviceToken": "d" * 1600, "VoipDeviceToken": "v" * 1600})


def test_the_number_of_endpoints_of_a_user_is_a_quota(launch):
    world = World(Clients(launch(env={"CHIME_QUOTAS__ENDPOINTS_PER_USER": "2"})))
    alice = world.user("alice")
    first = register(world, alice, "one")
    register(world, alice, "two")
    assert refusal(register, world, alice, "three") == RESOURCE_LIMIT
    register(world, world.user("bob"), "three")
    world.identity.deregister_app_instance_user_endpoint(AppInstanceUserArn=alice, EndpointId=first)
    register(world, alice, "three")


def test_a_policy_on_one_user_allows_the_endpoints_of_that_user_only(world, root, alice):
    bob, name = world.user("bob"), f"endpoints-{token()[:12]}"
    root.iam.create_user(UserName=name)
    root.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": alice, "Action": [
            "chime:RegisterAppInstanceUserEndpoint", "chime:ListAppInstanceUserEndpoints"]}]}))
    own = Clients(root.server, Keys.of(root.iam.create_access_key(UserName=name)["AccessKey"])).identity
    call = {"Type": "GCM", "ResourceArn": APP, "EndpointAttributes": {"DeviceToken": "d"},
            "ClientRequestToken": token()}
    own.register_app_instance_user_endpoint(AppInstanceUserArn=alice, **call)
    assert len(own.list_app_instance_user_endpoints(AppInstanceUserArn=alice)["AppInstanceUserEndpoints"]) == 1
    assert refusal(own.register_app_instance_user_endpoint, AppInstanceUserArn=bob, **call) == ACCESS_DENIED
    assert refusal(own.list_app_instance_user_endpoints, AppInstanceUserArn=bob) == ACCESS_DENIED
