"""Rules of meetings that are told over the signaling WebSocket: videos, content shares, data messages, addresses."""

import asyncio
import contextlib
import re

import pytest
from websockets.exceptions import ConnectionClosed

from harness import signals
from harness.clients import Clients
from harness.conference import attend, create
from harness.peer import Peer, an_offer
from harness.server import ChimeServer
from harness.signaling import Signaling, refusal

VIEW_ONLY, FULL = 206, 409
CONTENT = "#content"


@pytest.fixture(scope="module")
def of_2020(tmp_path_factory):
    """A server with the limits of 2020."""
    one = ChimeServer(tmp_path_factory.mktemp("of-2020") / "data", env={"CHIME_PROFILE": "2020-11"}).start()
    yield one
    one.stop()
    assert not one.panicked(), one.panicked()


@pytest.fixture(scope="module")
def offer():
    return an_offer()


def index(one):
    """The videos that there are, as it is told before the next answer to a ping."""
    one.ping(99)
    latest = None
    while True:
        kind, fields = one.frame(signals.INDEX, signals.PING_PONG)
        if kind == signals.PING_PONG:
            return latest
        latest = signals.decode(fields[8][0])


def people(client, meeting, count):
    return [attend(client, meeting, f"user-{n}")["JoinToken"] for n in range(count)]


def test_med_08_and_qta_04_and_09_the_17th_camera_is_refused_and_who_watches_goes_on(of_2020, offer):
    client = Clients(of_2020).meetings
    made = create(client)
    with contextlib.ExitStack() as opened:
        watcher, *showing = [opened.enter_context(Signaling(made, token)) for token in people(client, made, 18)]
        watcher.join()
        for each in showing:
            each.join()
        for each in showing[:16]:
            assert each.shows(offer)[0] is None
        told = index(watcher)
        assert len(told[2]) == 16 and told[1] == [1]
        assert showing[16].shows(offer) == (VIEW_ONLY, [])
        assert showing[16].alive()
        told = index(watcher)
        assert told is None or len(told[2]) == 16
        showing[0].leave()
        assert showing[16].shows(offer)[0] is None, "it has the place of one that is gone"
        assert len(index(watcher)[2]) == 16


def test_med_07_an_attendee_has_one_video_source_whatever_it_offers(server, offer):
    client = Clients(server).meetings
    made = create(client)
    alice, bob = people(client, made, 2)
    with Signaling(made, alice) as one, Signaling(made, bob) as other:
        one.join()
        other.join()
        assert one.shows(offer, cameras=2)[0] is None
        assert len(index(other)[2]) == 1
        one.shows(offer + offer[offer.index("m=video"):].replace("a=mid:1", "a=mid:2"), cameras=2)
        told = index(other)
        assert told is None or len(told[2]) == 1


@pytest.mark.parametrize("profile", ["2020-11", "current"])
def test_qta_05_and_10_the_third_content_share_is_refused_and_the_others_go_on(server, of_2020, profile):
    client = Clients(of_2020 if profile == "2020-11" else server).meetings
    made = create(client)
    tokens = people(client, made, 3)
    with contextlib.ExitStack() as opened:
        first, second, third = [opened.enter_context(Signaling(made, token + CONTENT)) for token in tokens]
        first.join()
        second.join()
        third.ask_to_join()
        assert refusal(third.frame(signals.JOIN_ACK)[1]) == FULL
        assert first.alive() and second.alive()
        first.leave()
        with Signaling(made, tokens[2] + CONTENT) as again:
            again.join()


def say(one, text, topic="chat"):
    one.send(signals.DATA_MESSAGE, (23, [(1, [(1, topic), (2, text)])]))


def test_med_12_a_data_message_of_2048_octets_arrives_and_a_larger_one_is_refused(server, offer):
    client = Clients(server).meetings
    made = create(client)
    alice, bob = people(client, made, 2)
    with Signaling(made, alice) as one, Signaling(made, bob) as other:
        one.join()
        other.join()
        for text in ("x" * 2048, "x" * 2049, "☃" * 682 + "xx", "☃" * 683, "x" * 100_000, "last"):
            say(one, text)
        came = []
        while "last" not in came:
            _, fields = other.frame(signals.DATA_MESSAGE)
            messages = map(signals.decode, signals.decode(fields[23][0])[1])
            came += [each[2][0].decode() for each in messages]
        assert came == ["x" * 2048, "☃" * 682 + "xx", "last"]
        assert one.alive()


def test_med_17_all_media_of_a_meeting_are_at_one_address_and_one_port_for_datagrams_and_streams(server):
    client = Clients(server).meetings
    made = create(client)
    alice = attend(client, made)

    async def meet():
        async with Peer(made, alice) as one:
            return re.findall(r"a=candidate:\S+ 1 (\w+) \d+ (\S+) (\d+) typ (\w+)", one.answer)

    told = asyncio.run(asyncio.wait_for(meet(), 60))
    host, port = made["MediaPlacement"]["AudioHostUrl"].split(":")
    assert told == [("udp", host, port, "host"), ("tcp", host, port, "host")]


def test_med_01_media_and_signaling_of_a_client_that_trusts_the_local_authority_are_encrypted(server):
    secure = Clients(server, endpoint=f"https://localhost:{server.https_port}", verify=str(server.ca)).meetings
    made = create(secure)
    alice = attend(secure, made)

    async def meet():
        async with Peer(made, alice, ca=server.ca) as one:
            assert one.url.startswith("wss://")
            assert one.connection.getTransceivers()[0].sender.transport.state == "connected"
            assert "UDP/TLS/RTP/SAVPF" in one.answer and "a=fingerprint:sha-256" in one.answer

    asyncio.run(asyncio.wait_for(meet(), 60))
    untrusting = {"MediaPlacement": {"SignalingUrl": made["MediaPlacement"]["SignalingUrl"]}}
    with pytest.raises((OSError, ConnectionClosed)):
        Signaling(untrusting, alice["JoinToken"])
