"""Bots that answer: what the Lex bot behind one is told, and what it sends."""

import json

import pytest

from harness.aws import KEYS
from harness.clients import Clients, token
from harness.exports import eventually
from harness.lex import Lex
from harness.sockets import open_socket
from harness.world import World

ALIAS = "arn:aws:lex:eu-west-1:123456789012:bot-alias/ABCDEFGHIJ/0123456789"


@pytest.fixture
def lex():
    playing = Lex()
    yield playing
    playing.stop()
    assert not playing.unsigned, "a call to Lex was signed wrongly"


@pytest.fixture
def talking(launch, lex):
    """A channel of alice and a bot on a server of one's own: its world, channel, alice and bot."""
    def start(standard="AUTO", targeted="ALL", **env):
        server = launch(env={"CHIME_LEX_ENDPOINT_URL": f"{lex.url}/lex", **KEYS, **env})
        world = World(Clients(server))
        alice = world.user("alice")
        invoked = {"StandardMessages": standard, "TargetedMessages": targeted}
        bot = world.identity.create_app_instance_bot(
            AppInstanceArn=world.app, Name="helper", ClientRequestToken=token(),
            Configuration={"Lex": {"LexBotAliasArn": ALIAS, "LocaleId": "en_US", "InvokedBy": invoked}},
        )["AppInstanceBotArn"]
        channel = world.channel(alice)
        world.join(channel, bot, alice)
        return server, world, channel, alice, bot
    return start


def answers(world, channel, reader, bot, count=1):
    """What the bot has sent, once there is so much of it."""
    def sent():
        found = [each for each in world.listed(channel, reader) if each["Sender"]["Arn"] == bot]
        return found if len(found) >= count else None
    return eventually(sent)


def test_a_message_is_told_to_lex_and_its_answer_comes_to_the_channel(talking, lex):
    server, world, channel, alice, bot = talking()
    card = {"contentType": "ImageResponseCard", "imageResponseCard": {
        "title": "Bank", "subtitle": "What now?", "buttons": [{"text": "Balance", "value": "balance"}]}}
    lex.says = {"messages": [{"content": "Hello!", "contentType": "PlainText"}, card]}
    with open_socket(server, alice) as socket:
        message = world.send(channel, alice, "hi ä?")
        arrived = [socket.until("CREATE_CHANNEL_MESSAGE").payload for _ in range(2)]
    [turn] = lex.turns
    assert turn["signed"] == ("lex", "eu-west-1")
    assert turn["text"] == "hi ä?"
    assert turn["requestAttributes"] == {"CHIME.channel.arn": channel, "CHIME.sender.arn": alice}
    head, _, session = turn["path"].removesuffix("/text").rpartition("/")
    assert head == "/lex/bots/ABCDEFGHIJ/botAliases/0123456789/botLocales/en_US/sessions"
    [answer] = answers(world, channel, alice, bot)
    assert answer["ContentType"] == "application/amz-chime-lex-msgs"
    assert json.loads(answer["Content"]) == {"Messages": [
        {"Content": "Hello!", "ContentType": "PlainText"},
        {"ContentType": "ImageResponseCard", "ImageResponseCard": {
            "Title": "Bank", "Subtitle": "What now?", "Buttons": [{"Text": "Balance", "Value": "balance"}]}}]}
    state = {"intent.name": "Echo", "intent.state": "Fulfilled", "originatingRequestId": message, "sessionId": session}
    assert answer["MessageAttributes"] == {
        f"CHIME.LEX.sessionState.{name}": {"StringValues": [value]} for name, value in state.items()}
    assert [each["Sender"]["Arn"] for each in arrived] == [alice, bot]
    assert arrived[1]["Content"] == answer["Content"]


def test_mentions_and_targets_reach_the_bot_in_company(talking, lex):
    _, world, channel, alice, bot = talking()
    bob = world.user("bob")
    world.join(channel, bob, alice)
    world.send(channel, alice, "not for you")
    world.send(channel, alice, "for you", MessageAttributes={"CHIME.mentions": {"StringValues": [bot]}})
    answers(world, channel, alice, bot)
    world.send(channel, alice, "for you alone", Target=[{"MemberArn": bot}])
    targeted = answers(world, channel, alice, bot, 2)
    assert {turn["text"] for turn in lex.turns} == {"for you", "for you alone"}
    [to_alice] = [each for each in targeted if "alone" in each["Content"]]
    assert to_alice["Target"] == [{"MemberArn": alice}]
    assert len(answers(world, channel, bob, bot)) == 1


def test_a_refusal_is_answered_as_a_failure_and_in_the_log_without_what_was_said(talking, lex):
    server, world, channel, alice, bot = talking()
    lex.status = 403
    world.send(channel, alice, "s3cret")
    [answer] = answers(world, channel, alice, bot)
    assert (answer["ContentType"], answer["Content"]) == ("application/amz-chime-lex-error", '{"Code":"Forbidden"}')
    assert "a Lex bot has not answered" in server.log() and "s3cret" not in server.log()


def test_what_lex_cannot_take_now_is_told_again_and_outlives_a_kill(talking, lex):
    server, world, channel, alice, bot = talking()
    lex.status = 503
    world.send(channel, alice, "anybody?")
    eventually(lambda: lex.turns)
    server.kill9()
    lex.status = 200
    server.start()
    [answer] = answers(world, channel, alice, bot)
    assert "anybody?" in answer["Content"]


def test_without_an_endpoint_a_bot_says_nothing(launch, lex):
    world = World(Clients(launch()))
    alice = world.user("alice")
    bot = world.identity.create_app_instance_bot(
        AppInstanceArn=world.app, ClientRequestToken=token(),
        Configuration={"Lex": {"LexBotAliasArn": ALIAS, "LocaleId": "en_US", "RespondsTo": "STANDARD_MESSAGES"}},
    )["AppInstanceBotArn"]
    channel = world.channel(alice)
    world.join(channel, bot, alice)
    world.send(channel, alice, "hello?")
    assert not lex.turns
