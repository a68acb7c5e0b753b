"""The events of meetings, told to a bus, queues, topics, functions, webhooks and NATS."""

import json
import socket
import time

import pytest

from harness import clock
from harness.aws import KEYS, Bus, Moto, Queue, Recorder, Topic
from harness.clients import Clients, send, token
from harness.cluster import Nats
from harness.conference import attend, create
from harness.exports import eventually
from harness.posts import Lambda, Posts


@pytest.fixture(scope="module")
def moto():
    running = Moto()
    yield running
    running.stop()


@pytest.fixture
def aws(moto):
    recorder = Recorder(moto)
    yield recorder
    recorder.stop()
    assert not recorder.unsigned, "a call to AWS was signed wrongly"


@pytest.fixture
def listening(launch, aws):
    """A server whose events go where `listening("eventbridge", …)` says."""
    def start(*listeners, env=None, **options):
        return launch(env={"CHIME_MEETING_EVENTS": ",".join(listeners), "CHIME_AWS_ENDPOINT_URL": aws.url,
                           **KEYS, **(env or {})}, **options)
    return start


def kinds(events):
    return sorted(each["detail"]["eventType"].removeprefix("chime:") for each in events)


def told(server, target, outcome="told"):
    line = f'chime_meeting_events_total{{outcome="{outcome}",target="{target}"}} '
    return next((int(each[len(line):]) for each in server.metrics().splitlines() if each.startswith(line)), 0)


def walk(client, made):
    """A meeting with an attendee who is deleted, and its end."""
    alice = attend(client, made)
    client.delete_attendee(MeetingId=made["MeetingId"], AttendeeId=alice["AttendeeId"])
    client.delete_meeting(MeetingId=made["MeetingId"])
    return alice


WALK = ["AttendeeAdded", "AttendeeDeleted", "MeetingEnded", "MeetingStarted"]


def test_evt_01_and_02_bus_queue_and_topic_of_a_meeting_get_the_same(moto, listening):
    bus, queue, topic = Bus(moto), Queue(moto), Topic(moto)
    server = listening(f"eventbridge:{bus.name}", "targets")
    client = Clients(server).meetings
    made = create(client, NotificationsConfiguration={"SqsQueueArn": queue.arn, "SnsTopicArn": topic.arn})
    walk(client, made)
    other = create(client)
    at_queue, at_topic, at_bus = queue.wait(4), topic.queue.wait(4), bus.queue.wait(5)
    assert kinds(at_queue) == kinds(at_topic) == WALK and kinds(at_bus) == sorted([*WALK, "MeetingStarted"])

    def by_type(events):
        of_this = [each for each in events if each["detail"]["meetingId"] != other["MeetingId"]]
        return {each["detail"]["eventType"]: each for each in of_this}

    assert by_type(at_queue) == by_type(at_topic)
    for kind, event in by_type(at_bus).items():
        same = by_type(at_queue)[kind]
        for name in ("source", "detail-type", "detail"):
            assert event[name] == same[name], name
        assert event["time"][:19] == same["time"][:19]
    assert (told(server, "queue"), told(server, "topic"), told(server, "eventbridge")) == (4, 4, 5)


def test_evt_08_and_09_the_envelope_and_its_detail_are_the_documented_ones(moto, listening):
    queue = Queue(moto)
    client = Clients(listening("targets")).meetings
    before = time.time() * 1000
    made = create(client, ExternalMeetingId="planning", MediaRegion="eu-west-1",
                  NotificationsConfiguration={"SqsQueueArn": queue.arn})
    alice = attend(client, made, "alice")
    found = {each["detail"]["eventType"]: each for each in queue.wait(2)}
    event = found["chime:AttendeeAdded"]
    assert {name: event[name] for name in event if name not in ("id", "time", "detail")} == {
        "version": "0", "detail-type": "Chime Meeting State Change", "source": "aws.chime",
        "account": "123456789012", "region": "us-east-1", "resources": []}
    detail = event["detail"]
    assert abs(detail.pop("timestamp") - before) < 60_000
    assert detail == {"version": "0", "eventType": "chime:AttendeeAdded", "meetingId": made["MeetingId"],
                      "attendeeId": alice["AttendeeId"], "externalUserId": "alice", "externalMeetingId": "planning",
                      "mediaRegion": "eu-west-1"}
    assert set(found["chime:MeetingStarted"]["detail"]) == {
        "version", "eventType", "timestamp", "meetingId", "externalMeetingId", "mediaRegion"}


def test_evt_05_a_queue_is_asked_for_its_url_and_sent_messages_and_nothing_else(moto, aws, listening):
    queue = Queue(moto)
    client = Clients(listening("targets")).meetings
    walk(client, create(client, NotificationsConfiguration={"SqsQueueArn": queue.arn}))
    queue.wait(4)
    assert set(aws.actions) == {"sqs"}
    assert set(aws.actions["sqs"]) == {"GetQueueUrl", "SendMessage"} and aws.actions["sqs"].count("SendMessage") == 4


def test_evt_06_a_topic_is_published_to_and_nothing_else(moto, aws, listening):
    topic = Topic(moto)
    client = Clients(listening("targets")).meetings
    walk(client, create(client, NotificationsConfiguration={"SnsTopicArn": topic.arn}))
    topic.queue.wait(4)
    assert dict(aws.actions) == {"sns": ["Publish"] * 4}


@pytest.mark.parametrize("mode", ["down", "deny", "throttle"])
def test_evt_07_a_target_that_fails_blocks_no_other_and_is_told_later(moto, aws, listening, mode):
    queue, topic = Queue(moto), Topic(moto)
    server = listening("targets")
    client = Clients(server).meetings
    aws.modes["sqs"] = mode
    made = create(client, NotificationsConfiguration={"SqsQueueArn": queue.arn, "SnsTopicArn": topic.arn})
    assert kinds(topic.queue.wait(1)) == ["MeetingStarted"]
    eventually(lambda: told(server, "queue", "unreachable") >= 1)
    assert queue.bodies() == []
    aws.modes.clear()
    assert kinds(queue.wait(1)) == ["MeetingStarted"]
    assert queue.taken[0]["detail"]["meetingId"] == made["MeetingId"]
    time.sleep(1)
    assert len(topic.queue.bodies()) == 1, "who was told is not told again"


def test_a_queue_that_does_not_exist_is_given_up_at_once(moto, listening):
    server = listening("targets")
    client = Clients(server).meetings
    arn = "arn:aws:sqs:us-east-1:123456789012:no-such-queue"
    create(client, NotificationsConfiguration={"SqsQueueArn": arn})
    eventually(lambda: told(server, "queue", "refused") == 1)
    time.sleep(3)
    assert (told(server, "queue", "refused"), told(server, "queue", "unreachable")) == (1, 0)
    assert "was not told" in server.log()


def test_targets_that_are_stuck_hold_up_neither_requests_nor_the_events_of_others(moto, aws, listening):
    hook = Posts()
    server = listening("targets", hook.url)
    client = Clients(server).meetings
    queue = Queue(moto)
    aws.modes["sqs"] = "stuck"
    began = time.monotonic()
    for _ in range(20):
        create(client, NotificationsConfiguration={"SqsQueueArn": queue.arn})
    assert time.monotonic() - began < 4, "twenty creations waited for a target"
    eventually(lambda: len(hook.taken) == 20, within=4)
    hook.down()


def test_what_was_not_told_survives_the_death_of_the_server_and_is_told_by_the_next(listening):
    hook = Posts()
    hook.down()
    server = listening(hook.url)
    made = create(Clients(server).meetings)
    eventually(lambda: told(server, "webhook", "unreachable") >= 1)
    server.kill9()
    hook.up()
    server.start()
    eventually(lambda: hook.taken, within=90)
    assert [post.body["detail"]["meetingId"] for post in hook.taken] == [made["MeetingId"]]
    hook.down()


def test_a_webhook_gets_json_and_its_address_is_not_in_the_log(listening):
    hook = Posts()
    server = listening(f"{hook.url}/hooks/s3cret-path")
    client = Clients(server).meetings
    walk(client, create(client))
    eventually(lambda: len(hook.taken) == 4)
    assert kinds([post.body for post in hook.taken]) == WALK
    assert {(post.path, post.headers["Content-Type"]) for post in hook.taken} == {
        ("/hooks/s3cret-path", "application/json")}
    hook.down()
    create(client)
    eventually(lambda: told(server, "webhook", "unreachable") >= 1)
    assert "s3cret-path" not in server.log_path.read_text()


def test_the_function_of_a_meeting_is_invoked_with_each_event(listening):
    functions = Lambda()
    function = functions.function("meetings")
    client = Clients(listening(env={"CHIME_LAMBDA_ENDPOINT_URL": functions.url})).meetings
    walk(client, create(client, NotificationsConfiguration={"LambdaFunctionArn": function.arn}))
    assert kinds([function.event() for _ in range(4)]) == WALK
    assert {post.headers["X-Amz-Invocation-Type"] for post in function.posts} == {"Event"}
    functions.down()


class Subscriber:
    """A subscription to a NATS subject, in the protocol itself."""

    def __init__(self, port, subject):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(f'CONNECT {{"verbose":false}}\r\nSUB {subject} 1\r\nPING\r\n'.encode())
        while self.file.readline() != b"PONG\r\n":
            pass

    def message(self):
        while True:
            line = self.file.readline().split()
            assert line, "the connection ended"
            if line[0] == b"MSG":
                return self.file.read(int(line[-1]) + 2)[:-2]
            if line[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")


def test_nats_gets_events_on_its_subject_and_again_after_it_was_away(listening):
    nats = Nats().start()
    try:
        subscriber = Subscriber(nats.port, "events.here")
        server = listening(f"{nats.url}/events.here")
        client = Clients(server).meetings
        walk(client, create(client))
        assert kinds([json.loads(subscriber.message()) for _ in range(4)]) == WALK
        nats.end()
        late = create(client)
        eventually(lambda: told(server, "nats", "unreachable") >= 1)
        nats.start()
        subscriber = Subscriber(nats.port, "events.here")
        assert json.loads(subscriber.message())["detail"]["meetingId"] == late["MeetingId"]
    finally:
        nats.end()


def test_end_07_the_end_by_a_timer_is_told_too(listening):
    hook = Posts()
    server = listening(hook.url)
    create(Clients(server).meetings)
    clock.advance(server, minutes=6)
    eventually(lambda: len(hook.taken) == 2)
    assert kinds([post.body for post in hook.taken]) == ["MeetingEnded", "MeetingStarted"]
    hook.down()


def test_evt_04_a_creation_that_is_repeated_is_told_once(listening):
    hook = Posts()
    client = Clients(listening(hook.url)).meetings
    own = token()
    made = [create(client, ClientRequestToken=own) for _ in range(3)]
    users = [attend(client, made[0], "same")["AttendeeId"] for _ in range(3)]
    assert len({each["MeetingId"] for each in made}) == len(set(users)) == 1
    eventually(lambda: len(hook.taken) == 2)
    time.sleep(0.5)
    assert kinds([post.body for post in hook.taken]) == ["AttendeeAdded", "MeetingStarted"]
    hook.down()


def test_where_nobody_listens_targets_are_taken_and_nothing_is_called(moto, aws, launch):
    queue = Queue(moto)
    server = launch(env={"CHIME_AWS_ENDPOINT_URL": aws.url, **KEYS})
    client = Clients(server).meetings
    walk(client, create(client, NotificationsConfiguration={"SqsQueueArn": queue.arn}))
    time.sleep(1)
    assert queue.bodies() == [] and dict(aws.actions) == {}
    assert send(server, "GET", "/meetings").json == {"Meetings": []}


def test_another_source_can_be_set_for_buses_that_take_no_source_of_aws(moto, listening):
    bus = Bus(moto)
    moto.of("events").put_rule(Name="all", EventBusName=bus.name, EventPattern='{"source": ["my.chime"]}')
    server = listening(f"eventbridge:{bus.name}", env={"CHIME_EVENT_SOURCE": "my.chime"})
    create(Clients(server).meetings)
    assert bus.queue.wait(1)[0]["source"] == "my.chime"
