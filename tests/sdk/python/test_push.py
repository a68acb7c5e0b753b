"""Push notifications: which devices are told of which messages, through a played gateway."""

import threading
import time

import pytest

from harness.clients import BAD_REQUEST, Clients, quoted, refusal, send, token
from harness.clock import advance, follow
from harness.devices import APP, described, register
from harness.flows import associate, callback, create_flow, processor
from harness.posts import Gateway, Lambda
from harness.server import ChimeServer
from harness.world import World

PUSH = {"PushNotification": {"Title": "title", "Body": "body", "Type": "DEFAULT"}}


@pytest.fixture(scope="module")
def the_gateway():
    played = Gateway()
    yield played
    played.down()


@pytest.fixture(scope="module")
def functions():
    played = Lambda()
    yield played
    played.down()


@pytest.fixture(scope="module")
def pushing(tmp_path_factory, the_gateway, functions):
    """A server with the played gateway; nobody moves its clock."""
    running = ChimeServer(tmp_path_factory.mktemp("pushing") / "data", env={
        "CHIME_PUSH_GATEWAY_URL": the_gateway.url + "/push", "CHIME_LAMBDA_ENDPOINT_URL": functions.url}).start()
    yield running
    running.stop()
    assert not running.panicked(), running.panicked()


@pytest.fixture
def gateway(the_gateway):
    the_gateway.taken, the_gateway.statuses = [], {}
    return the_gateway


class Stage:
    """A channel of alice and bob, each with a device that has its name, in a server that pushes."""

    def __init__(self, server):
        self.server = server
        self.world = World(Clients(server))
        self.alice, self.bob = self.world.users("alice", "bob")
        self.channel = self.world.channel(self.alice)
        self.world.join(self.channel, self.bob, self.alice)
        self.devices = {name: register(self.world, user, name)
                        for name, user in (("alices", self.alice), ("bobs", self.bob))}

    def send(self, bearer=None, content="hello", **more):
        return self.world.send(self.channel, bearer or self.alice, content, **{**PUSH, **more})

    def prefer(self, member, allow, rule=None):
        wanted = {"AllowNotifications": allow, **({"FilterRule": rule} if rule else {})}
        self.world.messaging.put_channel_membership_preferences(
            ChannelArn=self.channel, MemberArn=member, ChimeBearer=member, Preferences={"PushNotifications": wanted})


@pytest.fixture
def stage(pushing, gateway):
    return Stage(pushing)


def test_every_device_of_every_member_is_told_once_the_senders_too(stage, gateway):
    register(stage.world, stage.bob, "bobs tablet", Type="GCM")
    register(stage.world, stage.world.user("carol"), "carols, who is no member")
    stage.send()
    assert gateway.tokens(3) == ["alices", "bobs", "bobs tablet"]
    assert gateway.quiet() is True


def test_120_members_are_each_told_once(stage, gateway):
    """More than one step of the work tells."""
    names = [f"m{n:03}" for n in range(118)]
    members = []
    for name in names:
        members.append(stage.world.user(name))
        register(stage.world, members[-1], name)
    for chunk in (members[:100], members[100:]):
        stage.world.messaging.batch_create_channel_membership(
            ChannelArn=stage.channel, MemberArns=chunk, ChimeBearer=stage.alice)
    stage.send()
    assert gateway.tokens(120, 10) == ["alices", "bobs", *names]


def test_the_gateway_is_told_what_to_push_to_what(stage, gateway):
    tablet = register(stage.world, stage.bob, "bobs tablet", Type="GCM", AllowMessages="ALL")
    message = stage.send()
    posts = gateway.taken
    told = {body["DeviceToken"]: body for body in gateway.told(3)}
    assert {post.path for post in posts} == {"/push"}
    assert posts[0].headers["Content-Type"] == "application/json"
    body = dict(told["bobs tablet"])
    assert body.pop("Id") == f"{message}:{tablet}"
    assert body == {
        "Service": "GCM", "Application": APP, "DeviceToken": "bobs tablet", "Call": False, "Title": "title",
        "Body": "body", "Data": {"chime.message_id": message, "chime.channel_arn": stage.channel}}
    assert told["bobs"]["Service"] == "APNS"
    assert len({body["Id"] for body in told.values()}) == 3


def test_a_voip_push_goes_to_the_token_for_calls(stage, gateway):
    register(stage.world, stage.bob, "bobs other", EndpointAttributes={"VoipDeviceToken": "bobs calls"})
    stage.send(PushNotification={"Title": "call", "Body": "body", "Type": "VOIP"})
    told = {body["DeviceToken"]: body["Call"] for body in gateway.told(3)}
    assert told == {"alices": True, "bobs": True, "bobs calls": True}


def test_a_message_without_a_push_and_an_edit_tell_nobody(stage, gateway):
    message = stage.world.send(stage.channel, stage.alice, "quiet")
    stage.world.messaging.update_channel_message(ChannelArn=stage.channel, MessageId=message, Content="edited",
                                                 ChimeBearer=stage.alice)
    assert gateway.quiet() is True


def test_a_push_may_have_a_title_or_a_body_alone_and_a_message_that_is_not_kept_pushes_too(stage, gateway):
    stage.send(PushNotification={"Title": "only"}, persistence="NON_PERSISTENT")
    told = gateway.told(2)
    assert {(body["Title"], body["Body"]) for body in told} == {("only", "")}


def test_sending_again_with_the_same_token_pushes_once(stage, gateway):
    call = {"ChannelArn": stage.channel, "Content": "once", "Type": "STANDARD", "Persistence": "PERSISTENT",
            "ChimeBearer": stage.alice, "ClientRequestToken": token(), **PUSH}
    for _ in range(2):
        stage.world.messaging.send_channel_message(**call)
    assert gateway.tokens(2) == ["alices", "bobs"]


def test_a_targeted_message_is_pushed_to_the_two_only(stage, gateway):
    carol = stage.world.user("carol")
    stage.world.join(stage.channel, carol, stage.alice)
    register(stage.world, carol, "carols")
    stage.send(Target=[{"MemberArn": carol}])
    assert gateway.tokens(2) == ["alices", "carols"]
    stage.send(Target=[{"MemberArn": stage.alice}])
    assert gateway.tokens(1) == ["alices"]


def test_hidden_members_are_told_too_and_former_and_banned_members_are_not(stage, gateway):
    hidden, banned = stage.world.users("hidden", "banned")
    stage.world.join(stage.channel, hidden, stage.alice, type="HIDDEN")
    stage.world.join(stage.channel, banned, stage.alice)
    register(stage.world, hidden, "hiddens")
    register(stage.world, banned, "banneds")
    stage.world.ban(stage.channel, banned, stage.alice)
    stage.world.leave(stage.channel, stage.bob, stage.alice)
    stage.send()
    assert gateway.tokens(2) == ["alices", "hiddens"]


# Preferences

def test_a_device_that_does_not_allow_messages_is_not_told(stage, gateway):
    of = {"AppInstanceUserArn": stage.bob, "EndpointId": stage.devices["bobs"]}
    stage.world.identity.update_app_instance_user_endpoint(AllowMessages="NONE", **of)
    stage.send()
    assert gateway.tokens(1) == ["alices"]
    stage.world.identity.update_app_instance_user_endpoint(AllowMessages="ALL", **of)
    stage.send()
    assert gateway.tokens(2) == ["alices", "bobs"]


def test_a_deregistered_device_is_not_told(stage, gateway):
    stage.world.identity.deregister_app_instance_user_endpoint(
        AppInstanceUserArn=stage.bob, EndpointId=stage.devices["bobs"])
    stage.send()
    assert gateway.tokens(1) == ["alices"]


def test_a_member_who_prefers_none_is_not_told_in_that_channel_until_it_prefers_all(stage, gateway):
    stage.prefer(stage.bob, "NONE")
    stage.send()
    assert gateway.tokens(1) == ["alices"]
    other = stage.world.channel(stage.bob)
    stage.world.send(other, stage.bob, **PUSH)
    assert gateway.tokens(1) == ["bobs"]
    stage.prefer(stage.bob, "ALL")
    stage.send()
    assert gateway.tokens(2) == ["alices", "bobs"]


FILTERS = {
    "mentioned": '{"mention":["bob"]}',
    "no room": '{"type":[{"anything-but":["Room"]}]}',
    "both": '{"a":["1"],"b":["2"]}',
    "either": '{"$or":[{"a":["1"]},{"b":["2"]}]}',
}
FILTERED = [
    ({}, {"no room"}),
    ({"mention": ["alice", "bob"]}, {"mentioned", "no room"}),
    ({"mention": ["alice"], "type": ["Room"]}, set()),
    ({"mention": ["bob"], "type": ["Room"]}, {"mentioned"}),
    ({"type": ["Talk"], "a": ["1"]}, {"no room", "either"}),
    ({"type": ["Room"], "a": ["1"], "b": ["2"]}, {"both", "either"}),
    ({"type": ["Room"], "a": ["2"], "b": ["3"]}, set()),
]


def test_filtered_preferences_look_at_the_attributes_of_the_message(stage, gateway):
    stage.prefer(stage.alice, "NONE")
    stage.prefer(stage.bob, "NONE")
    for name, rule in FILTERS.items():
        member = stage.world.user()
        stage.world.join(stage.channel, member, stage.alice)
        register(stage.world, member, name)
        stage.prefer(member, "FILTERED", rule)
    for n, (attributes, _) in enumerate(FILTERED):
        stage.send(PushNotification={"Title": str(n)},
                   MessageAttributes={name: {"StringValues": values} for name, values in attributes.items()})
    expected = sorted((str(n), name) for n, (_, names) in enumerate(FILTERED) for name in names)
    assert sorted((body["Title"], body["DeviceToken"]) for body in gateway.told(len(expected))) == expected
    assert gateway.quiet() is True


@pytest.mark.parametrize("rule", ["", "bob", "[]", '{"mention":"bob"}', '{"mention":[{"prefix":"b"}]}', "{}",
                                  '{"mention":[1]}', '{"mention":["' + "x" * 2048 + '"]}'])
def test_what_is_no_filter_rule_is_refused(stage, rule):
    body = {"Preferences": {"PushNotifications": {"AllowNotifications": "FILTERED", "FilterRule": rule}}}
    path = f"/channels/{quoted(stage.channel)}/memberships/{quoted(stage.bob)}/preferences"
    answer = send(stage.server, "PUT", path, body, bearer=stage.bob)
    assert (answer.status, answer.error) == BAD_REQUEST, answer


def test_filtered_needs_a_rule(stage):
    assert refusal(stage.prefer, stage.bob, "FILTERED") == BAD_REQUEST


# Bounds of a push

@pytest.mark.parametrize("push, taken", [
    ({"Title": "\u00e9" * 50, "Body": "\U0001f600" * 150}, True),
    ({"Title": "t" * 51, "Body": "b"}, False),
    ({"Title": "t", "Body": "b" * 151}, False),
    ({"Title": "", "Body": "b"}, False),
    ({"Title": "t", "Body": ""}, False),
    ({"Title": "t", "Type": "SMS"}, False),
], ids=["longest", "long title", "long body", "no title", "no body", "unknown type"])
def test_a_title_has_up_to_50_and_a_body_up_to_150_characters(stage, gateway, push, taken):
    body = {"Content": "x", "Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": token(),
            "PushNotification": push}
    answer = send(stage.server, "POST", f"/channels/{quoted(stage.channel)}/messages", body, bearer=stage.alice)
    if taken:
        assert answer.status == 201, answer
        told = gateway.told(2)[0]
        assert (told["Title"], told["Body"]) == (push["Title"], push["Body"])
    else:
        assert (answer.status, answer.error) == BAD_REQUEST, answer
        assert gateway.quiet(0.2) is True


# Through a flow

def test_a_message_in_a_flow_is_pushed_when_it_is_released_as_its_processor_left_it(stage, gateway, functions):
    function = functions.function()
    associate(stage.world, stage.channel, create_flow(stage.world, processor(function)), stage.alice)
    stage.send()
    event = function.event()
    assert event["ChannelMessage"]["PushNotification"] == PUSH["PushNotification"]
    assert gateway.quiet(0.3) is True
    callback(stage.world.messaging, event, PushNotification={"Title": "changed", "Body": "too", "Type": "DEFAULT"})
    assert {(body["Title"], body["Body"]) for body in gateway.told(2)} == {("changed", "too")}
    stage.send()
    callback(stage.world.messaging, function.event(), deny=True)
    assert gateway.quiet(0.3) is True


# Gateways and devices that fail

@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_the_gateway_does_not_know_is_inactive_and_told_no_more(stage, gateway, status):
    gateway.statuses["bobs"] = status
    stage.send()
    assert gateway.tokens(2) == ["alices", "bobs"]
    for _ in range(50):
        found = described(stage.world, stage.bob, stage.devices["bobs"])
        if found["EndpointState"]["Status"] == "INACTIVE":
            break
        time.sleep(0.02)
    assert found["EndpointState"] == {"Status": "INACTIVE", "StatusReason": "INVALID_DEVICE_TOKEN"}
    gateway.statuses.clear()
    stage.send()
    assert gateway.tokens(1) == ["alices"]


def test_an_inactive_device_can_be_registered_again(stage, gateway):
    """The app on the device reports its token at every start."""
    gateway.statuses["bobs"] = 410
    stage.send()
    gateway.tokens(2)
    gateway.statuses.clear()
    stage.world.identity.deregister_app_instance_user_endpoint(
        AppInstanceUserArn=stage.bob, EndpointId=stage.devices["bobs"])
    register(stage.world, stage.bob, "bobs")
    stage.send()
    assert gateway.tokens(2) == ["alices", "bobs"]


def test_while_the_gateway_is_down_messages_are_sent_and_pushed_once_it_is_back(launch):
    gateway = Gateway()
    server = launch(env={"CHIME_PUSH_GATEWAY_URL": gateway.url})
    stage = Stage(server)
    gateway.down()
    stage.send()
    assert stage.world.messages(stage.channel, stage.bob) == ["hello"]
    time.sleep(0.2)
    gateway.up()
    advance(server, seconds=11)
    assert gateway.tokens(2) == ["alices", "bobs"]
    advance(server, seconds=60)
    assert gateway.quiet(0.2) is True
    gateway.down()


def test_a_push_that_waits_for_the_gateway_survives_kill_9(launch):
    gateway = Gateway()
    server = launch(env={"CHIME_PUSH_GATEWAY_URL": gateway.url})
    stage = Stage(server)
    gateway.down()
    stage.send()
    server.kill9()
    gateway.up()
    server.start()
    follow(server)
    advance(server, seconds=90)
    assert gateway.tokens(2) == ["alices", "bobs"]
    gateway.down()


def test_a_device_that_the_gateway_cannot_serve_now_does_not_make_the_others_hear_again_and_again(launch):
    """One broken device among many: its push is tried again, the rest were told already."""
    gateway = Gateway()
    server = launch(env={"CHIME_PUSH_GATEWAY_URL": gateway.url})
    stage = Stage(server)
    gateway.statuses["bobs"] = 503
    stage.send()
    gateway.tokens(2)
    for _ in range(3):
        advance(server, seconds=11)
    told = gateway.tokens(1)
    assert "bobs" in told, "it is tried again"
    assert told.count("alices") == 0, told
    gateway.down()


class Hanging(Gateway):
    """Does not answer a push whose title is `hang` until it is let go."""

    def __init__(self):
        self.leave = threading.Event()
        super().__init__()

    def take(self, post):
        if post.body["Title"] == "hang":
            self.leave.wait(6)
        return 200


@pytest.fixture
def hanging(launch):
    """The gateway, while it hangs on a push that was begun, and the stage."""
    gateway = Hanging()
    stage = Stage(launch(env={"CHIME_PUSH_GATEWAY_URL": gateway.url}))
    stage.send(PushNotification={"Title": "hang"})
    until = time.monotonic() + 3
    while not gateway.taken and time.monotonic() < until:
        time.sleep(0.01)
    yield gateway, stage
    gateway.leave.set()
    gateway.down()


def test_a_gateway_that_hangs_on_one_message_does_not_hold_up_the_pushes_of_another(hanging):
    gateway, stage = hanging
    stage.world.send(stage.world.channel(stage.alice), stage.alice, **PUSH)
    until = time.monotonic() + 3
    while time.monotonic() < until and not any(post.body["Title"] == "title" for post in gateway.taken):
        time.sleep(0.02)
    assert any(post.body["Title"] == "title" for post in gateway.taken)


def test_a_gateway_that_hangs_does_not_hold_up_what_a_deletion_leaves_to_be_done(hanging):
    _, stage = hanging
    stage.world.identity.delete_app_instance_user(AppInstanceUserArn=stage.bob)
    until = time.monotonic() + 2
    while time.monotonic() < until and stage.bob in stage.world.members(stage.channel, stage.alice):
        time.sleep(0.05)
    assert stage.world.members(stage.channel, stage.alice) == [stage.alice]


def test_without_a_gateway_messages_with_a_push_are_sent(server, world):
    alice = world.user("alice")
    channel = world.channel(alice)
    register(world, alice, "device")
    world.send(channel, alice, **PUSH)
    assert world.messages(channel, alice) == ["hello"]


# What is written down

def test_device_tokens_titles_and_bodies_reach_no_log_at_the_most_talkative_level(launch):
    gateway = Gateway()
    server = launch(env={"CHIME_PUSH_GATEWAY_URL": gateway.url, "CHIME_TELEMETRY__FILTER": "trace"})
    stage = Stage(server)
    carol = stage.world.user("carol")
    stage.world.join(stage.channel, carol, stage.alice)
    register(stage.world, carol, "device-not-to-log", Name="name-not-to-log",
             EndpointAttributes={"VoipDeviceToken": "voip-not-to-log"})
    assert refusal(register, stage.world, carol, "device-not-to-log").code == "ConflictException"
    for device, status in (("alices", 200), ("bobs", 503), ("device-not-to-log", 410)):
        gateway.statuses[device] = status
    stage.send(PushNotification={"Title": "title-not-to-log", "Body": "body-not-to-log"})
    gateway.told(3)
    stage.prefer(stage.bob, "FILTERED", '{"rule-not-to-log":["x"]}')
    gateway.down()
    stage.send(PushNotification={"Title": "title-not-to-log", "Body": "body-not-to-log"})
    time.sleep(0.3)
    text = server.log_path.read_text(errors="replace")
    assert "RegisterAppInstanceUserEndpoint" in text, "the log says what was refused"
    assert [line for line in text.splitlines() if "not-to-log" in line][:3] == []


def test_a_gateway_that_cannot_be_reached_is_a_line_of_the_log(launch):
    """Else an operator whose gateway is wrong hears from users only that nothing is pushed."""
    gateway = Gateway()
    server = launch(env={"CHIME_PUSH_GATEWAY_URL": gateway.url})
    stage = Stage(server)
    gateway.down()
    stage.send()
    time.sleep(0.5)
    text = server.log_path.read_text(errors="replace").lower()
    assert "push" in text or "gateway" in text or "notification" in text
