"""The signaling WebSocket: who may not join is told so, and whoever sends nonsense or too much harms nobody else."""

import asyncio
import itertools
import threading

import pytest

from harness import signals
from harness.clients import Clients
from harness.conference import NOBODY, attend, create
from harness.peer import Peer
from harness.signaling import Signaling, refusal

FORBIDDEN, ENDED = 4403, 4410
LARGE = 500_000
"""Octets of a message that is nearly as large as one may be."""


@pytest.fixture(scope="module")
def meetings(server):
    return Clients(server).meetings


@pytest.fixture
def made(meetings):
    return create(meetings)


def refused(meeting, token):
    """Kind and status of each answer to a join, and the close code."""
    with Signaling(meeting, token) as one:
        assert one.alive(), "a ping is answered before the join"
        one.ask_to_join()
        frames, code = one.rest()
        return [(kind, refusal(fields)) for kind, fields in frames], code


FORBIDS = [(signals.JOIN_ACK, 403)], FORBIDDEN


def test_mtg_04_a_token_that_is_none_of_the_meeting_is_refused_and_nobody_hears_of_it(meetings, made):
    alice = attend(meetings, made)
    other = create(meetings)
    mallory = attend(meetings, other)
    forged = alice["JoinToken"][:-1] + ("1" if alice["JoinToken"].endswith("0") else "0")
    swapped = mallory["JoinToken"][:32] + alice["JoinToken"][32:]
    with Signaling(made, alice["JoinToken"]) as one:
        one.join()
        assert one.alive()
        for token in ("x", "x" * 96, "x" * 6000, forged, swapped, forged + "#content", mallory["JoinToken"],
                      mallory["JoinToken"] + "#content", alice["JoinToken"] + "#other", alice["JoinToken"].upper()):
            assert refused(made, token) == FORBIDS, token
        one.ping(7)
        kind, _ = one.frame()
        assert kind == signals.PING_PONG, "the attendee who is there is told nothing of those"
    with Signaling(other, mallory["JoinToken"]) as one:
        one.join()


def test_mtg_05_and_21_the_token_of_a_deleted_attendee_is_refused_and_that_of_its_content_too(meetings, made):
    alice, bob = attend(meetings, made), attend(meetings, made, "bob")
    meetings.delete_attendee(MeetingId=made["MeetingId"], AttendeeId=alice["AttendeeId"])
    for token in (alice["JoinToken"], alice["JoinToken"] + "#content"):
        assert refused(made, token) == FORBIDS
    with Signaling(made, bob["JoinToken"]) as one:
        one.join()


def test_mtg_20_a_meeting_that_has_ended_or_never_was_is_closed_as_ended(meetings, made):
    alice = attend(meetings, made)
    other = create(meetings)
    placement = made["MediaPlacement"]["SignalingUrl"]
    for unknown in (NOBODY, "no-meeting", "%00"):
        url = placement.replace(made["MeetingId"], unknown)
        nowhere = {"MediaPlacement": {"SignalingUrl": url}}
        assert refused(nowhere, alice["JoinToken"]) == ([], ENDED), unknown
    meetings.delete_meeting(MeetingId=made["MeetingId"])
    assert refused(made, alice["JoinToken"]) == ([], ENDED)
    assert refused(other, alice["JoinToken"]) == FORBIDS


def test_what_is_no_websocket_or_has_no_token_is_refused_before_it_is_one(server, made):
    path = f"/control/{made['MeetingId']}"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert server.http("GET", path)[0] == 400
    for protocols in (None, "", "_aws_wt_session", "_aws_wt_session, "):
        headers = {**upgrade, **({} if protocols is None else {"Sec-WebSocket-Protocol": protocols})}
        assert server.http("GET", path, headers=headers)[0] in (400, 426), protocols
    assert server.http("POST", path, b"{}")[0] in (404, 405)


def test_a_message_that_is_no_frame_is_left_out_and_its_connection_goes_on(meetings, made):
    alice, bob = attend(meetings, made), attend(meetings, made, "bob")
    with Signaling(made, alice["JoinToken"]) as one, Signaling(made, bob["JoinToken"]) as other:
        one.join()
        other.join()
        ping = signals.frame(signals.PING_PONG, (20, [(1, 1), (2, 1)]))
        nonsense = [b"", b"\x05", b"\x04" + ping[1:], b"\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ping[:-1],
                    b"\x05" + bytes(LARGE), signals.frame(4711), signals.frame(signals.JOIN), "a text", "{}",
                    signals.frame(signals.SUBSCRIBE), signals.frame(signals.SUBSCRIBE, (6, [(1, 3), (4, "v=0")])),
                    signals.frame(signals.SUBSCRIBE, (6, [(1, 3), (4, "m=audio " * 50_000)])),
                    signals.frame(signals.JOIN_ACK, (7, [])), signals.frame(signals.AUDIO_STATUS, (21, [(1, 410)]))]
        for number, message in enumerate(nonsense):
            one.raw.send(message)
            assert one.alive(number), message[:20]
        assert other.alive()


def test_an_offer_before_the_join_is_not_answered(meetings, made):
    alice = attend(meetings, made)
    with Signaling(made, alice["JoinToken"]) as one:
        one.send(signals.SUBSCRIBE, (6, [(1, 3), (4, "v=0\r\n")]))
        one.ping(1)
        assert one.frame()[0] == signals.PING_PONG
        one.join()


def test_a_message_larger_than_any_offer_ends_its_own_connection_alone(meetings, made):
    alice, bob = attend(meetings, made), attend(meetings, made, "bob")
    with Signaling(made, alice["JoinToken"]) as one, Signaling(made, bob["JoinToken"]) as other:
        one.join()
        other.join()
        one.raw.send(b"\x05" + bytes(600_000))
        frames, _ = one.rest()
        assert signals.PING_PONG not in [kind for kind, _ in frames]
        assert other.alive()
    with Signaling(made, alice["JoinToken"]) as again:
        again.join()


def test_of_many_large_messages_all_but_the_first_are_left_out_unread(meetings, made):
    alice = attend(meetings, made)
    with Signaling(made, alice["JoinToken"]) as one:
        one.join()
        for number in range(40):
            one.ping(number, (99, "x" * LARGE))
        one.ping(40)
        answered = []
        while 40 not in answered:
            answered.append(one.ponged())
        assert answered[:3] == [0, 1, 2]
        assert len(answered) < 35, answered


def test_a_flood_of_frames_of_one_is_not_heard_by_the_others(meetings, made):
    alice, bob, mallory = (attend(meetings, made, user) for user in ("alice", "bob", "mallory"))
    over = threading.Event()

    def flood(one):
        for number in itertools.count():
            if over.is_set():
                return number
            one.ping(number)

    async def meet():
        async with Peer(made, alice, hertz=440) as first, Peer(made, bob, hertz=1000) as second:
            await asyncio.gather(first.hear(1, 1000), second.hear(1, 440))
            with Signaling(made, mallory["JoinToken"]) as one:
                one.join()
                flooding = asyncio.create_task(asyncio.to_thread(flood, one))
                await asyncio.to_thread(one.ponged)
                (loud,), (back,) = await asyncio.gather(first.hear(2, 1000), second.hear(2, 440))
                assert min(loud, back) > 1000, (loud, back)
                await first.socket.send(signals.frame(signals.PING_PONG, (20, [(1, 1), (2, 1)])))
                await first.came(signals.PING_PONG)
                assert not flooding.done(), flooding.result()
                over.set()
                assert await flooding > 1000
            assert {alice["AttendeeId"], bob["AttendeeId"]} <= set(second.roster.values())

    asyncio.run(asyncio.wait_for(meet(), 60))
