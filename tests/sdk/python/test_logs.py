"""What the server writes down: requests by id and caller, never secrets or what people say."""

import json

from harness.clients import Clients, refusal
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
