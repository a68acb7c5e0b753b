"""What a server keeps of those who have left and of meetings that are over: nothing that adds up."""

import asyncio

import pytest

from harness import signals
from harness.clients import Clients
from harness.cluster import until
from harness.conference import attend, create
from harness.peer import Peer, an_offer
from harness.signaling import Signaling

JOINS, MEDIA, MEETINGS = 1000, 100, 2000
OF_JOINS_KIB, OF_MEDIA_KIB, OF_MEETINGS_KIB = 1024, 1024, 8192
"""How much more may be resident afterwards. The bounds were tried with leaks in a debug build: of sessions with what
they have negotiated, 1,000 times at least 4 MiB; of those whose media flow, 100 times 2 MiB; of meetings that somebody
was in, 200 times 21 MiB. What is resident went up by at most 0.1 MiB with joins and 5 MiB with meetings, after the
warm-up. Less than this hides in what the process has had before: what one session leaves is counted in the tests of the
engine."""


def resident(server):
    """KiB of memory."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def busy(server):
    """Meetings with media, and sessions in them."""
    lines = dict(line.rsplit(" ", 1) for line in server.metrics().splitlines() if line.startswith("chime_media_"))
    return int(lines["chime_media_meetings"]), int(lines["chime_media_sessions"])


@pytest.fixture
def place(launch):
    """A server, a client, and a meeting in which somebody stays."""
    server = launch()
    client = Clients(server).meetings
    made = create(client)
    with Signaling(made, attend(client, made)["JoinToken"]) as stays:
        stays.join()
        yield server, client, made
        assert stays.alive()


def test_who_joins_and_leaves_again_and_again_leaves_nothing(place):
    server, client, made = place
    token, offer = attend(client, made, "bob")["JoinToken"], an_offer()

    def come_and_go(times, politely):
        for _ in range(times):
            with Signaling(made, token) as one:
                one.join()
                assert one.shows(offer)[0] is None
                if politely:
                    one.leave()
        until("all are gone", lambda: busy(server) == (1, 1))

    for politely in (True, False):
        come_and_go(100, politely)
        before = resident(server)
        come_and_go(JOINS, politely)
        assert resident(server) - before < OF_JOINS_KIB, (before, resident(server))


def test_whose_media_came_and_went_leaves_nothing(place):
    server, client, made = place
    bob = attend(client, made, "bob")

    async def come_and_go(times):
        for _ in range(times):
            async with Peer(made, bob, hertz=440) as one:
                await one.until(lambda: one.sound, "sound")

    asyncio.run(come_and_go(10))
    before = resident(server)
    asyncio.run(come_and_go(MEDIA))
    until("all are gone", lambda: busy(server) == (1, 1))
    assert resident(server) - before < OF_MEDIA_KIB, (before, resident(server))


def test_meetings_that_are_over_leave_nothing(place):
    server, client, _ = place

    def open_and_end(times):
        for number in range(times):
            made = create(client)
            if number % 10:
                client.delete_meeting(MeetingId=made["MeetingId"])
                continue
            with Signaling(made, attend(client, made)["JoinToken"]) as one:
                one.join()
                client.delete_meeting(MeetingId=made["MeetingId"])
                assert signals.AUDIO_STATUS in [kind for kind, _ in one.rest()[0]]
        until("all are over", lambda: busy(server) == (1, 1))

    open_and_end(500)
    before = resident(server)
    open_and_end(MEETINGS)
    assert resident(server) - before < OF_MEETINGS_KIB, (before, resident(server))
