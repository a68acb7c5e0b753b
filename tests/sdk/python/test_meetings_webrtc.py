"""Media with another implementation of WebRTC than the browser's: that of aiortc and its libraries."""

import asyncio

import pytest

from harness.clients import Clients
from harness.conference import attend, create
from harness.peer import Peer

LOUD, SILENT = 1000, 60
"""Amplitudes in steps of 16 bits: a tone is sent with 9000."""


@pytest.fixture(scope="module")
def meetings(server):
    return Clients(server).meetings


def run(session):
    asyncio.run(asyncio.wait_for(session, 60))


def test_med_02_each_hears_the_others_and_not_itself(meetings):
    meeting = create(meetings)
    alice, bob, carol = (attend(meetings, meeting, user) for user in ("alice", "bob", "carol"))

    async def meet():
        async with (Peer(meeting, alice, hertz=440) as one, Peer(meeting, bob, hertz=1000) as two,
                    Peer(meeting, carol, hertz=1700) as three):
            everybody = {each["AttendeeId"] for each in (alice, bob, carol)}
            for peer in (one, two, three):
                await peer.until(lambda peer=peer: everybody <= set(peer.roster.values()), "the roster")
            await one.hear(1, 440)
            heard = await asyncio.gather(*(peer.hear(1, 440, 1000, 1700) for peer in (one, two, three)))
            for own, levels in enumerate(heard):
                for tone, level in enumerate(levels):
                    assert (level < SILENT) if tone == own else (level > LOUD), heard

    run(meet())


def test_med_06_video_of_another_stack_is_forwarded_to_it(meetings):
    meeting = create(meetings)
    alice, bob = (attend(meetings, meeting, user) for user in ("alice", "bob"))

    async def meet():
        async with Peer(meeting, alice, brightness=200) as _, Peer(meeting, bob) as watcher:
            await watcher.receive(alice)
            await watcher.until(lambda: len(watcher.pictures) > 10, "pictures")
            assert all(abs(value - 200) < 8 for value in watcher.pictures[-5:]), watcher.pictures

    run(meet())
