"""The judge of histories: what it has to accept, and one history for each fault that it has to find."""

from harness.history import Connection, Listing, Send, judge

ROOM = "room"


def sent(n, invoked, returned, client="a", node=0, **more):
    return Send(client, ROOM, f"c{n}", invoked, returned, f"m{n}", node, **more)


def unanswered(n, invoked):
    return Send("a", ROOM, f"c{n}", invoked)


def listed(*places, at, until=None, client="b", node=1, whole=False):
    return Listing(client, ROOM, tuple(f"m{n}" for n in places), at, until or at + 0.1, whole, node)


def heard(*places, opened=0.0, closed=None, at=100.0):
    one = Connection("listener", opened, heard=[(ROOM, f"m{n}", f"c{n}", at) for n in places])
    if closed is not None:
        one.closed = closed
    return one


def order(*places):
    return [(f"m{n}", f"c{n}") for n in places]


def claims(final, sends, listings=(), connections=()):
    return sorted({one.claim for one in judge([ROOM], {ROOM: final}, sends, listings, connections)})


THREE = [sent(0, 1, 2), sent(1, 3, 4, client="b", node=1), sent(2, 5, 6)]


def test_a_history_that_is_right_is_accepted():
    listings = [listed(0, at=2.5, whole=True), listed(0, 1, at=4.5), listed(0, 1, 2, at=7), listed(2, at=8)]
    assert claims(order(0, 1, 2), THREE, listings, [heard(0, 1, 2), heard(1, 2, opened=2.5)]) == []


def test_sends_that_overlap_may_take_effect_in_either_order():
    both = [sent(0, 1, 4), sent(1, 2, 3, client="b")]
    assert claims(order(0, 1), both) == []
    assert claims(order(1, 0), both, [listed(1, at=3.5, until=3.6)]) == []


def test_a_send_without_an_answer_may_have_taken_effect_at_any_time_or_never():
    assert claims(order(0, 1), [unanswered(0, 1), sent(1, 5, 6)]) == []
    assert claims(order(1, 0), [unanswered(0, 1), sent(1, 5, 6)]) == []
    assert claims(order(1), [unanswered(0, 1), sent(1, 5, 6)]) == []


def test_an_acknowledged_message_that_is_not_listed_is_lost():
    assert claims(order(0, 2), THREE) == ["nothing lost"]


def test_a_message_that_is_stored_twice_is_found():
    twice = [*order(0, 1, 2), ("m9", "c1")]
    assert claims(twice, THREE) == ["stored once"]
    assert "stored once" in claims(order(0, 1, 1, 2), THREE)


def test_a_message_that_nobody_sent_is_found():
    assert claims(order(0, 1, 2, 7), THREE) == ["nothing invented"]
    assert claims(order(0, 1, 2), THREE, (), [heard(0, 1, 2, 8)]) == ["nothing invented"]


def test_an_answer_with_another_id_than_the_listed_one_is_found():
    assert "one id" in claims([("m0", "c0"), ("m7", "c1"), ("m2", "c2")], THREE)


def test_two_orders_are_found_in_listings_and_on_sockets():
    at_once = [sent(0, 1, 9), sent(1, 1, 9, client="b"), sent(2, 1, 9, client="c")]
    assert claims(order(0, 1, 2), at_once, [listed(1, 0, at=5)]) == ["one order"]
    assert claims(order(0, 1, 2), at_once, [listed(0, 2, at=5)]) == ["one order"]
    assert claims(order(0, 1, 2), at_once, [listed(1, 2, at=5, whole=True)]) == ["one order"]
    assert claims(order(0, 1, 2), at_once, (), [heard(0, 2, 1)]) == ["one order"]


def test_a_listing_that_shows_what_is_gone_afterwards_is_found():
    assert claims(order(0, 2), [THREE[0], unanswered(1, 3), THREE[2]], [listed(0, 1, at=4.5)]) == ["one order"]


def test_a_writer_that_does_not_find_its_own_message_is_found():
    stale = listed(0, at=4.5, client="b")
    assert "read your writes" in claims(order(0, 1, 2), THREE, [stale])


def test_a_message_missing_through_another_node_after_its_acknowledgement_is_found():
    assert "read what was acknowledged" in claims(order(0, 1, 2), THREE, [listed(at=2.5, whole=True)])
    assert "read what was acknowledged" in claims(order(0, 1, 2), THREE, [listed(0, at=4.5, client="c", node=2)])


def test_sends_that_do_not_overlap_keep_their_order():
    assert claims(order(1, 0, 2), THREE) == ["real time"]


def test_a_listing_may_not_be_older_than_one_that_was_answered_before():
    slow = [sent(0, 1, 2), sent(1, 3, 20)]
    new, old = listed(0, 1, at=4), listed(0, at=5)
    assert claims(order(0, 1), slow, [new, old]) == ["real time"]
    assert claims(order(0, 1), slow, [listed(0, at=4), listed(0, 1, at=5)]) == []


def test_a_listing_may_not_show_a_message_before_it_is_sent():
    assert claims(order(0, 1, 2), THREE, [listed(0, 1, at=2.5, until=2.6)]) == ["real time"]


def test_a_message_heard_twice_on_one_socket_is_found():
    assert claims(order(0, 1, 2), THREE, (), [heard(0, 1, 1, 2)]) == ["heard once"]


def test_a_message_heard_before_it_was_sent_is_found():
    assert claims(order(0, 1, 2), THREE, (), [heard(0, 1, 2, at=4.0)]) == ["real time"]


def test_a_gap_on_a_socket_is_found():
    assert claims(order(0, 1, 2), THREE, (), [heard(0, 2)]) == ["nothing unheard"]
    assert claims(order(0, 1, 2), THREE, (), [heard(0, 2, closed=9.0)]) == ["nothing unheard"]


def test_an_open_socket_has_to_hear_everything_since_it_stood():
    assert claims(order(0, 1, 2), THREE, (), [heard(0, 1)]) == ["nothing unheard"]
    assert claims(order(0, 1, 2), THREE, (), [heard()]) == ["nothing unheard"]
    assert claims(order(0, 1, 2), THREE, (), [heard(2, opened=2.5)]) == ["nothing unheard"]
    assert claims(order(0, 1, 2), THREE, (), [heard(opened=50.0)]) == []


def test_a_socket_that_was_cut_may_miss_the_end_but_not_the_beginning():
    assert claims(order(0, 1, 2), THREE, (), [heard(0, closed=3.5)]) == []
    assert claims(order(0, 1, 2), THREE, (), [heard(closed=3.5)]) == []
    assert claims(order(0, 1, 2), THREE, (), [heard(1, 2, closed=9.0)]) == ["nothing unheard"]


def test_channels_are_judged_each_by_itself():
    other = Send("a", "other", "x", 1, 2, "mx")
    finals = {ROOM: order(0, 1, 2), "other": []}
    found = judge([ROOM, "other"], finals, [*THREE, other])
    assert [one.claim for one in found] == ["nothing lost"]
