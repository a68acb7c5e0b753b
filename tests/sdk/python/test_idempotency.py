"""Client request tokens: wire.md T-*."""

import threading

import pytest
from botocore.exceptions import ClientError

from harness import clock
from harness.clients import CONFLICT, Clients, refusal, token
from harness.world import World


@pytest.fixture
def alice(world):
    return world.user("alice")


def creations(world, alice, client_token):
    """Each creation with a token as (call, arguments, what to change, name of its result)."""
    channel = world.channel(alice)
    return {
        "CreateAppInstance": (world.identity.create_app_instance, {"Name": "same", "ClientRequestToken": client_token},
                              {"Name": "other"}, "AppInstanceArn"),
        "CreateAppInstanceUser": (
            world.identity.create_app_instance_user,
            {"AppInstanceArn": world.app, "AppInstanceUserId": "bob", "Name": "same",
             "ClientRequestToken": client_token}, {"Name": "other"}, "AppInstanceUserArn"),
        "CreateChannel": (
            world.messaging.create_channel,
            {"AppInstanceArn": world.app, "Name": "same", "Mode": "RESTRICTED", "Privacy": "PRIVATE",
             "ChimeBearer": alice, "ClientRequestToken": client_token}, {"Name": "other"}, "ChannelArn"),
        "SendChannelMessage": (
            world.messaging.send_channel_message,
            {"ChannelArn": channel, "Content": "same", "Type": "STANDARD", "Persistence": "PERSISTENT",
             "ChimeBearer": alice, "ClientRequestToken": client_token}, {"Content": "other"}, "MessageId"),
    }


NAMES = ["CreateAppInstance", "CreateAppInstanceUser", "CreateChannel", "SendChannelMessage"]


@pytest.mark.parametrize("name", NAMES)
def test_t_06_the_same_token_and_parameters_answer_the_first_result(world, alice, name):
    call, arguments, _, result = creations(world, alice, token())[name]
    first, again = call(**arguments), call(**arguments)
    assert first[result] == again[result]
    assert first["ResponseMetadata"]["HTTPStatusCode"] == again["ResponseMetadata"]["HTTPStatusCode"] == 201


@pytest.mark.parametrize("name", NAMES)
def test_t_06_the_same_token_with_other_parameters_is_a_conflict(world, alice, name):
    call, arguments, changed, _ = creations(world, alice, token())[name]
    call(**arguments)
    assert refusal(call, **{**arguments, **changed}) == CONFLICT


@pytest.mark.parametrize("name", ["CreateAppInstance", "CreateChannel", "SendChannelMessage"])
def test_t_02_another_token_creates_another(world, alice, name):
    call, arguments, _, result = creations(world, alice, token())[name]
    assert call(**arguments)[result] != call(**{**arguments, "ClientRequestToken": token()})[result]


def test_t_06_a_token_belongs_to_one_channel_and_one_bearer(world, alice):
    bob, same = world.user("bob"), token()
    first, second = world.channel(alice, MemberArns=[bob]), world.channel(alice)

    def say(channel, bearer):
        return world.messaging.send_channel_message(ChannelArn=channel, Content="c", Type="STANDARD",
                                                    Persistence="PERSISTENT", ChimeBearer=bearer,
                                                    ClientRequestToken=same)["MessageId"]

    assert len({say(first, alice), say(second, alice), say(first, bob)}) == 3


def test_t_06_a_message_sent_twice_is_there_once(world, alice):
    call, arguments, _, _ = creations(world, alice, token())["SendChannelMessage"]
    for _ in range(3):
        call(**arguments)
    assert world.messages(arguments["ChannelArn"], alice) == ["same"]


def test_t_06_the_same_send_in_parallel_stores_one_message(server, world, alice):
    call, arguments, _, _ = creations(world, alice, token())["SendChannelMessage"]
    ids, errors = [], []

    def once():
        try:
            ids.append(call(**arguments)["MessageId"])
        except ClientError as error:
            errors.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=once) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(ids)) == 1, (ids, errors)
    assert set(errors) <= {"ConflictException"}, errors
    assert world.messages(arguments["ChannelArn"], alice) == ["same"]


def test_t_07_tokens_are_remembered_for_a_day_at_least_and_across_a_restart(own_server):
    world = World(Clients(own_server))
    alice = world.user("alice")
    call, arguments, _, result = creations(world, alice, token())["SendChannelMessage"]
    first = call(**arguments)[result]
    clock.advance(own_server, hours=23)
    assert call(**arguments)[result] == first
    own_server.stop()
    own_server.start()
    clock.follow(own_server)
    assert call(**arguments)[result] == first


def test_t_07_a_deleted_channel_frees_its_token(world, alice):
    call, arguments, _, result = creations(world, alice, token())["CreateChannel"]
    first = call(**arguments)[result]
    world.messaging.delete_channel(ChannelArn=first, ChimeBearer=alice)
    assert call(**arguments)[result] != first


def test_t_08_an_existing_user_id_under_a_new_token_is_a_conflict(world, alice):
    assert refusal(world.user, "alice") == CONFLICT


def test_t_09_puts_and_deletes_repeat_without_an_error(world, alice):
    settings = {"AppInstanceArn": world.app,
                "AppInstanceRetentionSettings": {"ChannelRetentionSettings": {"RetentionDays": 60}}}
    world.identity.put_app_instance_retention_settings(**settings)
    world.identity.put_app_instance_retention_settings(**settings)
    bob = world.user("bob")
    world.identity.create_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=bob)
    for _ in range(2):
        world.identity.delete_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=bob)
    for _ in range(2):
        world.identity.delete_app_instance_user(AppInstanceUserArn=bob)
