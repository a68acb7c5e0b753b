"""Messages on their way through a channel flow, with a played Lambda endpoint and boto3's own callback."""

import json
import queue
import threading
import time

import pytest

from harness.clients import ACCESS_DENIED, BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, Clients, Keys, refusal, token
from harness.clock import advance, follow
from harness.flows import answering, associate, callback, create_flow, disassociate, processor, status_of
from harness.posts import ACCOUNT, REGION, Lambda
from harness.server import ChimeServer, free_ports
from harness.sockets import open_socket
from harness.world import World

ROUTED = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:routed"
AWAY = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:away"
"""Routed to a port on which nobody listens."""


@pytest.fixture(scope="module")
def functions():
    played = Lambda()
    yield played
    played.down()


def settings(functions):
    nobody = free_ports(1)[0]
    return {"CHIME_LAMBDA_ENDPOINT_URL": functions.url,
            "CHIME_FUNCTIONS": f"{ROUTED}={functions.url}/own/{ROUTED},{AWAY}=http://127.0.0.1:{nobody}/"}


@pytest.fixture(scope="module")
def flowing(tmp_path_factory, functions):
    """A server whose functions are the played ones; its clock is this machine's."""
    running = ChimeServer(tmp_path_factory.mktemp("flowing") / "data", env=settings(functions)).start()
    yield running
    running.stop()
    assert not running.panicked(), running.panicked()


class Stage:
    """A channel with a flow: alice moderates, bob is a member."""

    def __init__(self, server, *processors):
        self.server = server
        self.world = World(Clients(server))
        self.messaging = self.world.messaging
        self.alice, self.bob = self.world.users("alice", "bob")
        self.channel = self.world.channel(self.alice)
        self.world.join(self.channel, self.bob, self.alice)
        self.flow = create_flow(self.world, *processors)
        associate(self.world, self.channel, self.flow, self.alice)

    def send(self, content="hello", bearer=None, **more):
        return self.messaging.send_channel_message(**{
            "ChannelArn": self.channel, "Content": content, "Type": "STANDARD", "Persistence": "PERSISTENT",
            "ChimeBearer": bearer or self.bob, "ClientRequestToken": token(), **more})

    def status(self, message, bearer=None):
        return status_of(self.world, self.channel, message, bearer or self.bob)

    def texts(self, bearer=None):
        return self.world.messages(self.channel, bearer or self.alice, SortOrder="ASCENDING")

    def settled(self, message, status, timeout=8):
        """Waits until the message has this status."""
        until = time.monotonic() + timeout
        while (now := self.status(message)) != status and time.monotonic() < until:
            time.sleep(0.02)
        assert now == status


@pytest.fixture
def function(functions):
    return functions.function()


@pytest.fixture
def stage(flowing, function):
    return Stage(flowing, processor(function))


@pytest.fixture
def ears(flowing, stage, sockets):
    """What alice and bob hear."""
    return sockets(flowing, stage.alice), sockets(flowing, stage.bob)


# One processor

def test_a_message_is_pending_for_its_sender_alone_and_sent_to_all_once_its_processor_calls_back(
        stage, function, ears):
    alices, bobs = ears
    sent = stage.send("hello", Metadata="m", MessageAttributes={"mood": {"StringValues": ["good"]}})
    assert (sent["ResponseMetadata"]["HTTPStatusCode"], sent["Status"]["Value"]) == (201, "PENDING")
    message = sent["MessageId"]
    pending = bobs.frame()
    assert (pending.event, pending.type) == ("PENDING_CREATE_CHANNEL_MESSAGE", "STANDARD")
    assert (pending.payload["MessageId"], pending.payload["Content"]) == (message, "hello")
    assert pending.payload["Status"]["Value"] == "PENDING"
    assert alices.silent(0.3) is True
    assert stage.status(message) == "PENDING"
    own = stage.world.message(stage.channel, message, stage.bob)
    assert (own["Content"], own["Status"]["Value"]) == ("hello", "PENDING")
    assert refusal(stage.world.message, stage.channel, message, stage.alice) == NOT_FOUND
    assert (stage.texts(), stage.texts(stage.bob)) == ([], [])

    event = function.event()
    assert event["EventType"] == "CHANNEL_MESSAGE_EVENT"
    assert 32 <= len(event["CallbackId"]) <= 64
    shown = event["ChannelMessage"]
    assert shown["Sender"] == {"Arn": stage.bob, "Name": "bob"}
    assert {name: shown[name] for name in ("MessageId", "ChannelArn", "Content", "Metadata", "Type", "Persistence",
                                           "Redacted", "MessageAttributes")} == {
        "MessageId": message, "ChannelArn": stage.channel, "Content": "hello", "Metadata": "m", "Type": "STANDARD",
        "Persistence": "PERSISTENT", "Redacted": False, "MessageAttributes": {"mood": {"StringValues": ["good"]}}}
    answer = callback(stage.messaging, event)
    assert (answer["ChannelArn"], answer["CallbackId"]) == (stage.channel, event["CallbackId"])
    for each in (bobs, alices):
        created = each.frame()
        assert (created.event, created.payload["MessageId"]) == ("CREATE_CHANNEL_MESSAGE", message)
        assert (created.payload["Content"], created.payload["Metadata"]) == ("hello", "m")
    assert stage.status(message) == "SENT"
    assert stage.texts() == ["hello"]
    assert alices.silent(0.2) is True and bobs.silent(0.1) is True


def test_the_function_is_invoked_as_lambda_is(stage, function):
    stage.send()
    function.event()
    [post] = function.posts
    assert post.path == f"/2015-03-31/functions/{function.arn.replace(':', '%3A')}/invocations" or (
        post.path == f"/2015-03-31/functions/{function.arn}/invocations")
    assert post.headers["X-Amz-Invocation-Type"] == "Event"
    assert post.headers["Content-Type"] == "application/json"


def test_a_processor_changes_content_metadata_attributes_and_content_type(stage, function, ears):
    message = stage.send("rude", Metadata="old", MessageAttributes={"a": {"StringValues": ["1"]}})["MessageId"]
    callback(stage.messaging, function.event(), Content="****", Metadata="new", ContentType="text/plain",
             MessageAttributes={"b": {"StringValues": ["2"]}})
    heard = ears[0].frame()
    assert (heard.payload["Content"], heard.payload["Metadata"]) == ("****", "new")
    found = stage.world.message(stage.channel, message, stage.alice)
    assert (found["Content"], found["Metadata"], found["ContentType"], found["MessageAttributes"]) == (
        "****", "new", "text/plain", {"b": {"StringValues": ["2"]}})
    assert "LastEditedTimestamp" not in found


def test_a_denied_message_is_gone_and_only_its_sender_hears_so(stage, function, ears):
    alices, bobs = ears
    message = stage.send("spam")["MessageId"]
    callback(stage.messaging, function.event(), deny=True)
    assert [frame.event for frame in bobs.frames(2)] == [
        "PENDING_CREATE_CHANNEL_MESSAGE", "DENIED_CREATE_CHANNEL_MESSAGE"]
    assert alices.silent(0.3) is True
    assert stage.texts() == []
    assert refusal(stage.status, message) == FORBIDDEN
    assert refusal(stage.world.message, stage.channel, message, stage.bob) == NOT_FOUND
    stage.send("ham")
    callback(stage.messaging, function.event(), deny=False)
    assert alices.frame().payload["Content"] == "ham"


def test_an_edit_goes_through_the_flow_and_the_old_text_is_shown_until_then(stage, function, ears):
    alices, bobs = ears
    message = stage.send("old")["MessageId"]
    callback(stage.messaging, function.event())
    bobs.frames(2)
    alices.frame()
    edit = {"ChannelArn": stage.channel, "MessageId": message, "ChimeBearer": stage.bob}
    answer = stage.messaging.update_channel_message(Content="new", **edit)
    assert answer["Status"]["Value"] == "PENDING"
    assert stage.texts() == ["old"]
    event = function.event()
    assert (event["ChannelMessage"]["MessageId"], event["ChannelMessage"]["Content"]) == (message, "new")
    callback(stage.messaging, event, Content="newer")
    assert [frame.event for frame in bobs.frames(2)] == [
        "PENDING_UPDATE_CHANNEL_MESSAGE", "UPDATE_CHANNEL_MESSAGE"]
    heard = alices.frame()
    assert (heard.event, heard.payload["Content"]) == ("UPDATE_CHANNEL_MESSAGE", "newer")
    assert stage.texts() == ["newer"]
    stage.messaging.update_channel_message(Content="worse", **edit)
    callback(stage.messaging, function.event(), deny=True)
    assert [frame.event for frame in bobs.frames(2)] == [
        "PENDING_UPDATE_CHANNEL_MESSAGE", "DENIED_UPDATE_CHANNEL_MESSAGE"]
    assert alices.silent(0.2) is True
    assert stage.texts() == ["newer"]


def test_control_messages_pass_by_the_flow(stage, function, ears):
    assert stage.send("typing", Type="CONTROL")["Status"]["Value"] == "SENT"
    assert ears[0].frame().payload["Content"] == "typing"
    assert function.idle(0.2) is True


def test_a_message_that_is_not_kept_goes_through_the_flow(stage, function, ears):
    stage.send("fleeting", Persistence="NON_PERSISTENT")
    event = function.event()
    assert event["ChannelMessage"]["Persistence"] == "NON_PERSISTENT"
    callback(stage.messaging, event)
    assert ears[0].frame().payload["Content"] == "fleeting"
    assert stage.texts() == []


def test_a_targeted_message_goes_through_the_flow_to_its_target_only(flowing, stage, function, sockets):
    carol = stage.world.user("carol")
    stage.world.join(stage.channel, carol, stage.alice)
    alices, carols = sockets(flowing, stage.alice), sockets(flowing, carol)
    stage.send("psst", Target=[{"MemberArn": carol}])
    callback(stage.messaging, function.event())
    heard = carols.frame()
    assert (heard.event, heard.payload["Content"]) == ("CREATE_CHANNEL_MESSAGE", "psst")
    assert alices.silent(0.3) is True
    assert (stage.texts(carol), stage.texts()) == (["psst"], [])


def test_sending_again_with_the_same_token_makes_one_message_and_one_invocation(stage, function):
    call = {"ClientRequestToken": token()}
    first = stage.send("once", **call)
    again = stage.send("once", **call)
    assert (again["MessageId"], again["Status"]) == (first["MessageId"], first["Status"])
    assert refusal(stage.send, "another", **call) == CONFLICT
    callback(stage.messaging, function.event())
    assert function.idle() is True
    again = stage.send("once", **call)
    assert (again["MessageId"], again["Status"]["Value"]) == (first["MessageId"], "SENT")
    assert function.idle(0.2) is True
    assert stage.texts() == ["once"]


def test_a_processor_may_call_back_before_its_invocation_is_answered(stage, function, ears):
    function.reaction = lambda event: callback(stage.messaging, event, Content="quick")
    for _ in range(5):
        stage.send("slow")
        assert ears[0].frame().payload["Content"] == "quick"
    assert len(function.posts) == 5


def test_only_its_sender_is_told_the_status_of_a_message(stage, function):
    message = stage.send()["MessageId"]
    assert refusal(stage.status, message, stage.alice) == FORBIDDEN
    callback(stage.messaging, function.event())
    assert stage.status(message) == "SENT"
    assert refusal(stage.status, message, stage.alice) == FORBIDDEN


# Callbacks

def test_a_callback_counts_once(stage, function):
    stage.send()
    event = function.event()
    callback(stage.messaging, event)
    assert refusal(callback, stage.messaging, event) == CONFLICT
    assert refusal(callback, stage.messaging, event, deny=True) == CONFLICT
    assert stage.texts() == ["hello"]


def test_of_many_callbacks_at_once_one_counts(stage, function, ears):
    stage.send()
    event = function.event()
    outcomes = []

    def call(n):
        clients = Clients(stage.server)
        try:
            callback(clients.messaging, event, Content=f"c{n}")
            outcomes.append(f"c{n}")
        except clients.messaging.exceptions.ConflictException:
            outcomes.append(None)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    [winner] = [each for each in outcomes if each]
    assert len(outcomes) == 8
    assert ears[0].frame().payload["Content"] == winner
    assert stage.texts() == [winner]


def test_a_callback_for_another_message_or_channel_is_refused_and_the_right_one_still_counts(stage, function):
    message = stage.send()["MessageId"]
    event = function.event()
    wrong = answering(event)
    wrong["ChannelMessage"]["MessageId"] = "0" * 32
    assert refusal(stage.messaging.channel_flow_callback, **wrong) == BAD_REQUEST
    other = stage.world.channel(stage.alice)
    assert refusal(stage.messaging.channel_flow_callback, **{**answering(event), "ChannelArn": other}) == CONFLICT
    assert refusal(stage.messaging.channel_flow_callback, **{**answering(event), "CallbackId": "0" * 32}) == CONFLICT
    assert refusal(callback, stage.messaging, event, Content="x" * 4097) == BAD_REQUEST
    assert stage.status(message) == "PENDING"
    callback(stage.messaging, event)
    assert stage.texts() == ["hello"]


def test_the_guides_policy_lets_a_processor_call_back_for_real_and_another_identity_is_denied(stage, function):
    def person(*statements):
        name = f"p-{token()[:12]}"
        stage.world.clients.iam.create_user(UserName=name)
        stage.world.clients.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}))
        key = stage.world.clients.iam.create_access_key(UserName=name)["AccessKey"]
        return Clients(stage.server, Keys.of(key)).messaging

    processors = person({"Action": ["chime:ChannelFlowCallback"], "Resource": [stage.channel]})
    sender = person({"Action": ["chime:SendChannelMessage"], "Resource": "*"})
    stage.send()
    event = function.event()
    assert refusal(callback, sender, event) == ACCESS_DENIED
    callback(processors, event)
    assert stage.texts() == ["hello"]


# Several processors, several messages

def test_three_processors_are_called_in_their_order_each_with_what_the_one_before_made(flowing, functions):
    first, second, third = functions.function(), functions.function(), functions.function()
    stage = Stage(flowing, processor(third, 3), processor(first, 1), processor(second, 2))
    message = stage.send("a")["MessageId"]
    used = set()
    for function, before, after in ((first, "a", "ab"), (second, "ab", "abc"), (third, "abc", "abcd")):
        event = function.event()
        assert event["ChannelMessage"]["Content"] == before
        assert stage.status(message) == "PENDING"
        used.add(event["CallbackId"])
        callback(stage.messaging, event, Content=after)
    assert len(used) == 3, "each processor calls back with an id of its own"
    assert stage.texts() == ["abcd"]


def test_a_message_that_the_second_of_three_denies_never_reaches_the_third(flowing, functions):
    first, second, third = functions.function(), functions.function(), functions.function()
    stage = Stage(flowing, processor(first, 1), processor(second, 2), processor(third, 3))
    stage.send("a")
    callback(stage.messaging, first.event())
    callback(stage.messaging, second.event(), deny=True)
    assert third.idle() is True
    assert stage.texts() == []


def test_20_messages_of_two_senders_come_out_in_the_order_in_which_they_went_in(flowing, stage, function, ears):
    held = queue.Queue()

    def process():
        while (event := held.get()) is not None:
            callback(stage.messaging, event)

    function.reaction = held.put
    worker = threading.Thread(target=process)
    worker.start()
    sent = []
    for n in range(20):
        content = f"m{n:02}"
        stage.send(content, bearer=(stage.alice, stage.bob)[n % 2])
        sent.append(content)
    heard, bobs = ([ear.until("CREATE_CHANNEL_MESSAGE", 10).payload["Content"] for _ in sent] for ear in ears)
    held.put(None)
    worker.join(10)
    assert heard == bobs == sent
    assert stage.texts() == sent
    found = stage.world.listed(stage.channel, stage.alice, SortOrder="ASCENDING")
    times = [each["CreatedTimestamp"] for each in found]
    assert times == sorted(times) and len(set(times)) == 20
    assert len(function.posts) == 20


def test_messages_sent_at_once_by_two_senders_all_come_out_once_each_sender_in_its_order(stage, function, ears):
    function.reaction = lambda event: threading.Thread(target=callback, args=(stage.messaging, event)).start()

    def talk(bearer, name):
        clients = Clients(stage.server)
        for n in range(10):
            clients.messaging.send_channel_message(
                ChannelArn=stage.channel, Content=f"{name}{n}", Type="STANDARD", Persistence="PERSISTENT",
                ChimeBearer=bearer, ClientRequestToken=token())

    talkers = [threading.Thread(target=talk, args=one) for one in ((stage.alice, "a"), (stage.bob, "b"))]
    for each in talkers:
        each.start()
    heard, bobs = ([ear.until("CREATE_CHANNEL_MESSAGE", 10).payload["Content"] for _ in range(20)] for ear in ears)
    for each in talkers:
        each.join(10)
    assert [each for each in heard if each[0] == "a"] == [f"a{n}" for n in range(10)]
    assert [each for each in heard if each[0] == "b"] == [f"b{n}" for n in range(10)]
    assert stage.texts() == heard == bobs
    assert len(function.posts) == 20


def test_what_is_under_way_ends_with_the_flow_it_began_with_and_what_follows_without_it(stage, function):
    first = stage.send("under way")["MessageId"]
    event = function.event()
    disassociate(stage.world, stage.channel, stage.flow, stage.alice)
    stage.messaging.delete_channel_flow(ChannelFlowArn=stage.flow)
    assert stage.send("free")["Status"]["Value"] == "SENT"
    assert stage.status(first) == "PENDING"
    callback(stage.messaging, event)
    assert stage.texts() == ["free", "under way"]


def test_a_flow_that_is_changed_serves_the_next_message_changed(stage, function, functions):
    other = functions.function()
    stage.messaging.update_channel_flow(ChannelFlowArn=stage.flow, Name="changed", Processors=[processor(other)])
    stage.send()
    callback(stage.messaging, other.event())
    assert function.idle(0.1) is True
    assert stage.texts() == ["hello"]


def test_a_channel_deleted_while_a_message_is_pending_takes_it_along(stage, function):
    stage.send()
    event = function.event()
    stage.messaging.delete_channel(ChannelArn=stage.channel, ChimeBearer=stage.alice)
    assert refusal(callback, stage.messaging, event).code in ("ConflictException", "ForbiddenException")


# Processors that cannot be reached

@pytest.mark.parametrize("broken", ["refuses", "fails", "away", "unknown"])
def test_a_message_whose_processor_cannot_be_reached_fails_where_the_fallback_is_abort(
        flowing, functions, sockets, broken):
    function = functions.function()
    function.status = {"refuses": 403, "fails": 500}.get(broken, 202)
    arn = {"away": AWAY, "unknown": function.arn + "-unknown"}.get(broken, function.arn)
    stage = Stage(flowing, processor(arn, fallback="ABORT"))
    alices, bobs = sockets(flowing, stage.alice), sockets(flowing, stage.bob)
    message = stage.send("lost")["MessageId"]
    assert [frame.event for frame in bobs.frames(2)] == [
        "PENDING_CREATE_CHANNEL_MESSAGE", "FAILED_CREATE_CHANNEL_MESSAGE"]
    assert stage.status(message) == "FAILED"
    assert stage.world.message(stage.channel, message, stage.bob)["Status"]["Value"] == "FAILED"
    assert refusal(stage.world.message, stage.channel, message, stage.alice) == NOT_FOUND
    assert stage.texts() == []
    assert alices.silent(0.2) is True
    if broken == "fails":
        assert len(function.posts) == 3, "it is tried again before it is given up"


@pytest.mark.parametrize("broken", ["fails", "away"])
def test_a_message_whose_processor_cannot_be_reached_goes_on_where_the_fallback_is_continue(
        flowing, functions, broken):
    down, up = functions.function(), functions.function()
    down.status = 500
    arn = AWAY if broken == "away" else down.arn
    stage = Stage(flowing, processor(arn, 1, "CONTINUE"), processor(up, 2, "ABORT"))
    message = stage.send("through")["MessageId"]
    event = up.event()
    assert event["ChannelMessage"]["Content"] == "through"
    callback(stage.messaging, event)
    assert (stage.status(message), stage.texts()) == ("SENT", ["through"])


def test_a_message_whose_last_processor_cannot_be_reached_is_sent_where_its_fallback_is_continue(
        flowing, functions, sockets):
    up = functions.function()
    stage = Stage(flowing, processor(up, 1, "ABORT"), processor(AWAY, 2, "CONTINUE"))
    alices = sockets(flowing, stage.alice)
    stage.send("before")
    callback(stage.messaging, up.event(), Content="after")
    assert alices.frame().payload["Content"] == "after"
    assert stage.texts() == ["after"]


def test_a_failed_message_does_not_hold_up_the_next_and_can_be_sent_again(stage, function):
    function.status = 500
    lost = stage.send("lost")["MessageId"]
    stage.settled(lost, "FAILED")
    function.status = 202
    again = stage.send("lost")["MessageId"]
    callback(stage.messaging, function.event())
    assert (stage.status(again), stage.status(lost), stage.texts()) == ("SENT", "FAILED", ["lost"])


def test_a_processor_that_answers_after_two_failures_is_reached(stage, function):
    function.status = 503
    stage.send()
    until = time.monotonic() + 5
    while len(function.posts) < 1 and time.monotonic() < until:
        time.sleep(0.005)
    function.status = 202
    callback(stage.messaging, function.event())
    assert stage.texts() == ["hello"]


def test_a_function_with_a_url_of_its_own_gets_the_event_there(flowing, functions):
    routed = functions.function("routed")
    stage = Stage(flowing, processor(ROUTED))
    stage.send("routed")
    event = routed.event()
    assert routed.posts[-1].path == f"/own/{ROUTED}"
    assert event["ChannelMessage"]["Content"] == "routed"
    callback(stage.messaging, event)
    assert stage.texts() == ["routed"]


def test_without_an_endpoint_a_message_ends_as_the_fallback_says(own_server):
    aborting = Stage(own_server, processor(ROUTED, fallback="ABORT"))
    aborting.settled(aborting.send()["MessageId"], "FAILED")
    going_on = Stage(own_server, processor(ROUTED, fallback="CONTINUE"))
    going_on.settled(going_on.send()["MessageId"], "SENT")


# Processors that do not call back

def test_a_processor_that_does_not_call_back_in_time_counts_as_not_reached(launch, functions):
    server = launch(env={**settings(functions), "CHIME_CALLBACK_TIMEOUT_SECONDS": "1"})
    silent, next_one = functions.function(), functions.function()
    aborting = Stage(server, processor(silent))
    going_on = Stage(server, processor(silent, 1, "CONTINUE"), processor(next_one, 2))
    with open_socket(server, aborting.bob) as bobs:
        lost = aborting.send("lost")["MessageId"]
        going_on.send("kept")
        [bobs.until("FAILED_CREATE_CHANNEL_MESSAGE", 10)]
    assert aborting.status(lost) == "FAILED"
    callback(going_on.messaging, next_one.event(10))
    assert going_on.texts() == ["kept"]
    for event in (silent.event(), silent.event()):
        assert refusal(callback, aborting.messaging, event) == CONFLICT
    assert aborting.texts() == []


def test_within_its_time_a_processor_may_call_back_late_and_beyond_it_not(launch, functions):
    server = launch(env=settings(functions))
    function = functions.function()
    stage = Stage(server, processor(function))
    stage.send("late")
    event = function.event()
    advance(server, seconds=50)
    callback(stage.messaging, event)
    assert stage.texts() == ["late"]
    message = stage.send("too late")["MessageId"]
    event = function.event()
    advance(server, seconds=61)
    assert stage.status(message) == "FAILED"
    assert refusal(callback, stage.messaging, event) == CONFLICT
    assert stage.texts() == ["late"]


def test_a_function_that_hangs_behind_one_that_timed_out_does_not_hold_up_other_work(launch, functions):
    server = launch(env=settings(functions))
    function = functions.function()
    stage = Stage(server, processor(function))
    stage.send("never called back")
    stage.send("hangs")
    function.event()
    entered, leave = threading.Event(), threading.Event()

    def hang(_):
        entered.set()
        leave.wait(6)

    function.reaction = hang
    carol = stage.world.user("carol")
    stage.world.join(stage.channel, carol, stage.alice)
    moving = threading.Thread(target=advance, args=(server,), kwargs={"seconds": 61})
    moving.start()
    try:
        assert entered.wait(5)
        follow(server)
        stage.world.identity.delete_app_instance_user(AppInstanceUserArn=carol)
        until = time.monotonic() + 2
        while time.monotonic() < until and carol in stage.world.members(stage.channel, stage.alice):
            time.sleep(0.05)
        assert carol not in stage.world.members(stage.channel, stage.alice)
    finally:
        leave.set()
        moving.join(60)


# Servers that end in between

@pytest.mark.parametrize("ending", ["stop", "kill9"])
def test_a_message_that_is_pending_when_the_server_ends_is_sent_once_afterwards(launch, functions, ending):
    server = launch(env=settings(functions))
    function = functions.function()
    stage = Stage(server, processor(function))
    messages = [stage.send(f"m{n}")["MessageId"] for n in range(3)]
    event = function.event()
    getattr(server, ending)()
    server.start()
    follow(server)
    assert [stage.status(message) for message in messages] == ["PENDING"] * 3
    callback(stage.messaging, event)
    for content in ("m1", "m2"):
        event = function.event(10)
        assert event["ChannelMessage"]["Content"] == content
        callback(stage.messaging, event)
    assert stage.texts() == ["m0", "m1", "m2"]
    assert [stage.status(message) for message in messages] == ["SENT"] * 3
    advance(server, minutes=3)
    assert stage.texts() == ["m0", "m1", "m2"]
    assert len(function.posts) == 3


def test_a_message_accepted_while_its_function_hung_is_taken_up_after_kill_9(launch, functions):
    """The server dies between the claim of the call and its answer: the call is made again."""
    server = launch(env=settings(functions))
    function = functions.function()
    entered, leave = threading.Event(), threading.Event()

    def hang(_):
        entered.set()
        leave.wait(20)

    function.reaction = hang
    stage = Stage(server, processor(function))
    message = stage.send("hung")["MessageId"]
    assert entered.wait(5)
    server.kill9()
    function.reaction = None
    leave.set()
    function.event()
    server.start()
    follow(server)
    assert stage.status(message) == "PENDING"
    advance(server, seconds=31)
    callback(stage.messaging, function.event(10))
    assert (stage.status(message), stage.texts()) == ("SENT", ["hung"])


def test_kill_9_at_any_moment_loses_nothing_and_sends_nothing_twice(launch, functions):
    """Callbacks are given by a processor that never forgets; after each kill the rest comes out."""
    server = launch(env=settings(functions))
    function = functions.function()
    stage = Stage(server, processor(function, fallback="ABORT"))
    events, stop = queue.Queue(), threading.Event()

    def process():
        messaging = Clients(server).messaging
        while not stop.is_set():
            try:
                event = events.get(timeout=0.05)
            except queue.Empty:
                continue
            while not stop.is_set():
                try:
                    callback(messaging, event)
                    break
                except messaging.exceptions.ConflictException:
                    break
                except Exception:
                    time.sleep(0.05)

    function.reaction = events.put
    worker = threading.Thread(target=process)
    worker.start()
    acknowledged, unsure = [], set()
    try:
        for kill in range(3):
            killer = threading.Timer(0.25 + 0.1 * kill, server.kill9)
            killer.start()
            messaging = Clients(server).messaging
            n = 0
            while True:
                content = f"{kill}-{n}"
                n += 1
                try:
                    messaging.send_channel_message(
                        ChannelArn=stage.channel, Content=content, Type="STANDARD", Persistence="PERSISTENT",
                        ChimeBearer=(stage.alice, stage.bob)[n % 2], ClientRequestToken=token())
                    acknowledged.append(content)
                except Exception:
                    unsure.add(content)
                    break
            killer.join()
            server.start()
        advance(server, seconds=40)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            texts = stage.texts()
            if set(acknowledged) <= set(texts):
                break
            time.sleep(0.05)
    finally:
        stop.set()
        worker.join(10)
    texts = stage.texts()
    assert len(acknowledged) > 5
    assert len(texts) == len(set(texts)), "nothing twice"
    assert set(acknowledged) <= set(texts) <= set(acknowledged) | unsure, "nothing lost"
    assert [each for each in texts if each not in unsure] == acknowledged, "in order"


# What is written down

def test_what_goes_through_a_flow_reaches_no_log_at_the_most_talkative_level(launch, functions):
    server = launch(env={**settings(functions), "CHIME_TELEMETRY__FILTER": "trace"})
    function = functions.function()
    stage = Stage(server, processor(function, 1, name="processor-name-not-to-log"), processor(AWAY, 2, "CONTINUE"))
    stage.send("sentence-not-to-log", Metadata="metadata-not-to-log")
    event = function.event()
    callback(stage.messaging, event, Content="changed-not-to-log")
    assert refusal(callback, stage.messaging, event, Content="refused-not-to-log") == CONFLICT
    stage.settled(stage.send("second-not-to-log")["MessageId"], "PENDING")
    callback(stage.messaging, function.event(), deny=True)
    text = server.log_path.read_text(errors="replace")
    assert "ChannelFlowCallback" in text, "the log says what was refused"
    assert [line for line in text.splitlines() if "not-to-log" in line][:3] == []


def test_a_function_that_cannot_be_reached_is_a_line_of_the_log(launch, functions):
    """Else an operator whose endpoint is wrong sees messages fail, or pass unprocessed, and nothing says why."""
    server = launch(env=settings(functions))
    stage = Stage(server, processor(AWAY))
    stage.settled(stage.send()["MessageId"], "FAILED")
    lines = server.log_path.read_text(errors="replace").splitlines()
    assert [line for line in lines if AWAY in line or "function" in line.lower()] != []
