"""Meetings of several servers on one Postgres and NATS: each lives on one of them, and moves when that goes away."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from harness import signals
from harness.clients import Clients, token
from harness.cluster import until
from harness.conference import attend, create
from harness.peer import Peer
from harness.signaling import Signaling

COME_AGAIN = 4500
#: A lease is 45 seconds: this is not by its end.
BACK_WITHIN_S = 15
MOVED_WITHIN_S = 75
"""A node that died is known as gone after 45 seconds; others look every ten."""


@pytest.fixture
def two_regions(postgres, nats, cluster):
    """A node that carries us-east-1, and one that carries eu-west-1."""
    database = postgres.url(postgres.database())
    return [cluster(1, database=database, nats=nats.url, env={"CHIME_REGIONS": region})[0]
            for region in ("us-east-1", "eu-west-1")]


def lives_on(meeting, node):
    url = meeting["MediaPlacement"]["SignalingUrl"]
    return url.startswith((f"wss://127.0.0.1:{node.https_port}/", f"ws://127.0.0.1:{node.port}/"))


def test_meetings_are_placed_on_the_node_of_their_region_whichever_node_is_asked(two_regions):
    east, west = two_regions
    for asked in two_regions:
        client = Clients(asked).meetings
        assert lives_on(create(client, MediaRegion="eu-west-1"), west)
        assert lives_on(create(client, MediaRegion="us-east-1"), east)
        far = create(client, MediaRegion="sa-east-1")
        assert lives_on(far, east) or lives_on(far, west), "a region that nobody carries is carried by somebody"


def test_a_meeting_stays_on_its_node_and_moves_when_that_is_drained(two_regions):
    east, west = two_regions
    client = Clients(east).meetings
    own = token()
    made = create(client, MediaRegion="eu-west-1", ClientRequestToken=own)
    alice = attend(client, made)
    assert lives_on(create(Clients(west).meetings, ClientRequestToken=own), west)
    west.stop()
    moved = client.get_meeting(MeetingId=made["MeetingId"])["Meeting"]
    assert lives_on(moved, east) and moved["MediaRegion"] == "eu-west-1"
    assert attend(client, made) == alice, "attendees and their tokens are the same"
    assert lives_on(create(client, MediaRegion="eu-west-1"), east)


def asked(node, meeting):
    """The meeting as a node tells it now."""
    return Clients(node).meetings.get_meeting(MeetingId=meeting["MeetingId"])["Meeting"]


class Talk:
    """Two people with a tone each."""

    def __init__(self, node, **more):
        client = Clients(node).meetings
        self.meeting = create(client, **more)
        self.people = [attend(client, self.meeting, user) for user in ("alice", "bob")]

    def alice(self, meeting, **more):
        return Peer(meeting, self.people[0], hertz=440, **more)

    def bob(self, meeting, **more):
        return Peer(meeting, self.people[1], hertz=1000, **more)


async def hear_each_other(alice, bob):
    """For two seconds, of which the first may have been heard before."""
    for _ in range(2):
        (low, high), (back_low, back_high) = await asyncio.gather(alice.hear(1, 440, 1000), bob.hear(1, 440, 1000))
    assert low < 60 < 1000 < high and back_high < 60 < 1000 < back_low, (low, high, back_low, back_high)


async def closed(peer):
    """The code with which its WebSocket is closed."""
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            await asyncio.wait_for(peer.socket.send(signals.frame(signals.PING_PONG, (20, [(1, 1), (2, 1)]))), 5)
            await asyncio.sleep(0.05)
    return ended.value.rcvd.code if ended.value.rcvd else 1006


def farewells(one):
    """The audio statuses that it is told before its connection is closed."""
    frames, _ = one.rest()
    return [signals.decode(fields[21][0])[1][0] for kind, fields in frames if kind == signals.AUDIO_STATUS]


def run(session):
    asyncio.run(asyncio.wait_for(session, 60))


def test_people_who_are_told_the_meeting_by_different_nodes_meet_on_the_one_where_it_lives(two_regions):
    east, west = two_regions
    talk = Talk(east, MediaRegion="eu-west-1")

    async def meet():
        # East tells the secure address of the other node, west its own plain one.
        there, here = asked(east, talk.meeting), asked(west, talk.meeting)
        async with talk.alice(there, ca=west.ca) as alice, talk.bob(here) as bob:
            assert alice.url.startswith("wss:") and bob.url.startswith("ws:")
            await hear_each_other(alice, bob)

    run(meet())
    assert 'chime_media_meetings 1' in west.metrics() and 'chime_media_meetings 1' not in east.metrics()


def test_what_one_node_decides_is_done_where_the_meeting_lives(two_regions):
    east, west = two_regions
    client = Clients(east).meetings
    made = create(client, MediaRegion="eu-west-1")
    alice, bob = attend(client, made), attend(client, made, "bob")
    here = asked(west, made)
    with Signaling(here, alice["JoinToken"]) as one, Signaling(here, bob["JoinToken"]) as other:
        for each in (one, other):
            each.join()
        client.delete_attendee(MeetingId=made["MeetingId"], AttendeeId=bob["AttendeeId"])
        assert farewells(other) == [411]
        assert one.alive()
        client.delete_meeting(MeetingId=made["MeetingId"])
        assert farewells(one) == [410]


def test_a_node_sends_who_comes_to_the_wrong_one_away_to_come_again(two_regions):
    east, west = two_regions
    client = Clients(east).meetings
    made = create(client, MediaRegion="eu-west-1")
    alice = attend(client, made)
    url = f"ws://127.0.0.1:{east.port}/control/{made['MeetingId']}"
    with Signaling({"MediaPlacement": {"SignalingUrl": url}}, alice["JoinToken"]) as one:
        one.ask_to_join()
        assert one.rest() == ([], COME_AGAIN)


def test_people_in_a_meeting_of_a_drained_node_go_on_at_another(two_regions):
    east, west = two_regions
    talk = Talk(west, MediaRegion="eu-west-1")

    async def meet():
        here = asked(west, talk.meeting)
        async with talk.alice(here) as alice, talk.bob(here) as bob:
            await hear_each_other(alice, bob)
            draining = asyncio.create_task(asyncio.to_thread(west.stop))
            assert await asyncio.gather(closed(alice), closed(bob)) == [COME_AGAIN] * 2
            await draining
        moved = asked(east, talk.meeting)
        assert lives_on(moved, east)
        async with talk.alice(moved) as alice, talk.bob(moved) as bob:
            await hear_each_other(alice, bob)

    run(meet())


def test_people_in_a_meeting_of_a_killed_node_go_on_at_another_within_a_minute(two_regions):
    east, west = two_regions
    talk = Talk(west, MediaRegion="eu-west-1")

    async def meet():
        here = asked(west, talk.meeting)
        async with talk.alice(here) as alice, talk.bob(here) as bob:
            await hear_each_other(alice, bob)
            west.kill9()
            assert await asyncio.gather(closed(alice), closed(bob)) == [1006] * 2

    async def meet_again():
        here = asked(east, talk.meeting)
        async with talk.alice(here) as alice, talk.bob(here) as bob:
            await hear_each_other(alice, bob)

    run(meet())
    until("the meeting moving", lambda: lives_on(asked(east, talk.meeting), east), MOVED_WITHIN_S)
    run(meet_again())
    assert lives_on(create(Clients(east).meetings, MediaRegion="eu-west-1"), east)


def test_a_node_that_was_killed_and_is_back_takes_its_meetings_at_once(two_regions):
    _, west = two_regions
    west.media = west.media_port
    client = Clients(west).meetings
    made = create(client, MediaRegion="eu-west-1")
    alice = attend(client, made)
    west.kill9()
    west.start()
    until("the meeting being here", lambda: joins(asked(west, made), alice), BACK_WITHIN_S)


def joins(meeting, attendee):
    with Signaling(meeting, attendee["JoinToken"]) as one:
        try:
            one.join()
        except ConnectionClosed:
            return False
        return True
