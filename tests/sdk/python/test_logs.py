"""What the server writes down: requests by id and caller, never secrets or what people say."""

import json

from harness.clients import Clients, exchange, refusal, send, sign
from harness.sockets import open_socket
from harness.world import World

SAID = "a-sentence-that-nobody-should-log"
META = "metadata-that-nobody-should-log"
NAMED = "a-name-that-nobody-should-log"


def chat(server):
    """Everything that handles secrets or texts once: sends, edits, sockets, IAM, sessions, refusals."""
    root = Clients(server)
    world = World(root, name=NAMED)
    alice = world.user("alice", name=NAMED)
    channel = world.channel(alice, name=NAMED)
    socket = open_socket(server, alice)
    message = world.send(channel, alice, SAID, Metadata=META)
    assert socket.frame().payload["Content"] == SAID
    socket.raw.close()
    root.messaging.update_channel_message(ChannelArn=channel, MessageId=message, Content=SAID + "2", Metadata=META,
                                          ChimeBearer=alice)
    refusal(world.send, channel, world.user("bob"), SAID)
    root.iam.create_user(UserName="logged")
    key = root.iam.create_access_key(UserName="logged")["AccessKey"]
    return key["SecretAccessKey"]


def test_secrets_and_what_people_say_reach_no_log_at_the_most_talkative_level(launch):
    server = launch(env={"CHIME_TELEMETRY__FILTER": "trace", "CHIME_TELEMETRY__JSON": "true"})
    secret = chat(server)
    own = json.loads((server.data_dir / "root-credentials.json").read_text())["SecretAccessKey"]
    text = server.log_path.read_text(errors="replace")
    assert "SendChannelMessage" in text, "the log says what was asked"
    for private in (SAID, META, NAMED, secret, own):
        assert private not in text
    for line in text.splitlines():
        if line.startswith("{"):
            json.loads(line)


LEVELS = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}


def lines(server):
    """The log without the greeting, which goes to the standard output."""
    text = server.log_path.read_text(errors="replace")
    return [line for line in text.splitlines() if line.startswith("{")], text


def test_each_line_of_a_json_log_is_one_object_with_level_target_and_time(launch):
    server = launch(env={"CHIME_TELEMETRY__FILTER": "trace", "CHIME_TELEMETRY__JSON": "true"})
    chat(server)
    for path, expected in (("/channels", 400), ("/nothing", 404), (f"/app-instances/{'a' * 9}", 400)):
        assert send(server, "GET", path).status == expected
    assert server.http("GET", "/channels")[0] == 403
    server.stop()
    found, text = lines(server)
    assert len(found) >= 5, text
    for line in found:
        entry = json.loads(line)
        assert entry["level"] in LEVELS, line
        assert entry["target"] and entry["timestamp"], line
    greeting = [line for line in text.splitlines() if line and not line.startswith("{")]
    assert not [line for line in greeting if any(level in line for level in LEVELS)], greeting


def test_what_is_logged_of_a_request_carries_the_id_of_its_answer_its_operation_and_its_caller(launch):
    server = launch(env={"CHIME_TELEMETRY__FILTER": "debug", "CHIME_TELEMETRY__JSON": "true"})
    world = World(Clients(server))
    channel = world.channel(world.user("alice"), privacy="PRIVATE")
    refused = refusal(world.messaging.describe_channel, ChannelArn=channel, ChimeBearer=world.user("bob"))
    asked = send(server, "POST", "/_chime/explain", {"Principal": "nobody", "Action": "chime:CreateChannel"})
    assert asked.status == 400, asked
    spans = {}
    for entry in map(json.loads, lines(server)[0]):
        if entry.get("message") == "refused":
            spans[entry["span"]["id"]] = (entry["span"], entry["reason"])
    caller = world.clients.sts.get_caller_identity()["Arn"]
    for request_id, operation in ((refused.error.response["ResponseMetadata"]["RequestId"], "DescribeChannel"),
                                  (asked.headers["x-amzn-RequestId"], "explain")):
        span, reason = spans[request_id]
        assert (span["name"], span["operation"], span["caller.arn"]) == ("request", operation, caller)
        assert reason


def test_a_json_log_holds_no_secret_at_any_level(launch):
    """Signatures, session tokens and policies included: whoever reads logs must not be able to act."""
    server = launch(env={"CHIME_TELEMETRY__FILTER": "trace", "CHIME_TELEMETRY__JSON": "true"})
    secret = chat(server)
    root = Clients(server)
    path = "/app-instances"
    signed = sign(server, "GET", path)
    assert exchange(server, "GET", path, b"", signed).status == 200
    signature = signed["Authorization"].rsplit("Signature=", 1)[1]
    own = root.keys.secret_key
    server.stop()
    found, text = lines(server)
    assert found
    for private in (secret, own, signature, SAID, META, NAMED):
        assert private not in text
