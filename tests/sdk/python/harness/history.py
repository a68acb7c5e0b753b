"""Judges what several clients of several nodes saw of channels: one order, nothing lost, nothing twice, no time travel.

A channel is a register to which sends append and which lists read. All moments are of one monotonic clock, in seconds.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise

FOREVER = math.inf


@dataclass(frozen=True)
class Send:
    """One message that a client tried to send, until it was acknowledged or the client gave up."""

    client: str
    channel: str
    content: str
    """Unique in the history."""
    invoked: float
    """When the first attempt began."""
    returned: float = FOREVER
    """When it was acknowledged; FOREVER if it never was, and then it may or may not have taken effect."""
    message: str | None = None
    """The id it was acknowledged with."""
    node: int = 0
    """The node that acknowledged it."""


@dataclass(frozen=True)
class Listing:
    """One page of the newest messages, told in the order of the channel; `whole` if it began with the first."""

    client: str
    channel: str
    messages: tuple
    """Message ids, oldest first."""
    invoked: float
    returned: float
    whole: bool = False
    node: int = 0


@dataclass
class Connection:
    """What one WebSocket heard between SESSION_ESTABLISHED and its end."""

    client: str
    opened: float
    closed: float = FOREVER
    """FOREVER while it is open; one that is open has to have heard everything."""
    code: int | None = None
    heard: list = field(default_factory=list)
    """`(channel, message id, content, moment)` in the order of arrival."""
    node: int = 0


@dataclass(frozen=True)
class Violation:
    claim: str
    text: str

    def __str__(self):
        return f"{self.claim}: {self.text}"


class Judge:
    """Compares a channel's sends, listings and connections with the order that was listed at the end."""

    def __init__(self, channel, final, sends, listings=(), connections=()):
        """`final`: `(message id, content)` of everything, oldest first, listed after all clients had stopped."""
        self.channel, self.final = channel, list(final)
        self.sends = [one for one in sends if one.channel == channel]
        self.listings = [one for one in listings if one.channel == channel]
        self.connections = list(connections)
        self.place = {message: place for place, (message, _) in enumerate(self.final)}
        self.violations = []

    def verdict(self):
        """Every violation, in the order: stored, listed, in time, heard."""
        self._stored()
        readable = [one for one in self.listings if self._ordered(one)]
        self._read_your_writes(readable)
        self._linearizable(readable)
        for connection in self.connections:
            self._heard(connection)
        return self.violations

    def _violated(self, claim, text):
        self.violations.append(Violation(claim, text))

    def _stored(self):
        contents = {}
        for message, content in self.final:
            contents.setdefault(content, []).append(message)
        for content, messages in contents.items():
            if len(messages) > 1:
                self._violated("stored once", f"{content} is {' and '.join(messages)}")
        if len(self.place) != len(self.final):
            self._violated("stored once", "a message id is listed twice")
        tried = {one.content for one in self.sends}
        for message, content in self.final:
            if content not in tried:
                self._violated("nothing invented", f"{message} was listed and nobody sent {content}")
        for one in self.sends:
            if one.message is None:
                continue
            if one.content not in contents:
                self._violated("nothing lost", f"{one.content} was acknowledged by node {one.node} as {one.message}")
            elif one.message not in contents[one.content]:
                self._violated("one id", f"{one.content} was acknowledged as {one.message}, "
                                         f"and is listed as {contents[one.content]}")

    def _ordered(self, listing):
        """Whether a listing is a part of the one order, without a gap; from its beginning if it is whole."""
        places = [self.place.get(message) for message in listing.messages]
        if None in places:
            self._violated("one order", f"{listing.client} listed a message that is not there at the end")
            return False
        first = 0 if listing.whole or not places else places[0]
        if places != list(range(first, first + len(places))):
            self._violated("one order", f"{listing.client} listed the places {places}")
            return False
        return True

    def _newest(self, listing):
        """How many messages the channel had when it was listed; 0 for an empty page."""
        return self.place[listing.messages[-1]] + 1 if listing.messages else 0

    def _read_your_writes(self, listings):
        """Special cases of the next one, told by their own names: they are what clients notice first."""
        places = {one: self.place[one.message] for one in self.sends if one.message in self.place}
        for listing in listings:
            newest = self._newest(listing)
            for one, place in places.items():
                if one.returned < listing.invoked and place >= newest:
                    same = "the same node" if one.node == listing.node else "another node"
                    claim = "read your writes" if one.client == listing.client else "read what was acknowledged"
                    self._violated(claim, f"{one.message} was acknowledged to {one.client} and is missing in a later "
                                          f"listing by {listing.client} through {same}")

    def _linearizable(self, listings):
        """Whether every send and listing can take effect at one moment between its call and its answer.

        The final order fixes the order of the sends, and where between them each listing belongs. Moments that fit
        exist exactly if nothing was answered before something that comes earlier in the order was called.
        """
        operations = [(2 * self._newest(one), one.invoked, one.returned, f"the listing by {one.client}")
                      for one in listings]
        by_content = {content: place for place, (_, content) in enumerate(self.final)}
        for one in self.sends:
            place = self.place.get(one.message, by_content.get(one.content))
            if place is not None:
                operations.append((2 * place + 1, one.invoked, one.returned, f"{one.content} at place {place}"))
        operations.sort(key=lambda operation: operation[0])
        latest, what, rank = -FOREVER, None, None
        waiting = []
        for at, invoked, returned, name in operations:
            if at != rank:
                for called, told in waiting:
                    if called > latest:
                        latest, what = called, told
                waiting, rank = [], at
            if returned < latest:
                self._violated("real time", f"{name} was answered {latest - returned:.3f} s before {what}, "
                                            "which is earlier in the order, was called")
            waiting.append((invoked, name))

    def _heard(self, connection):
        heard = [(message, content, at) for channel, message, content, at in connection.heard
                 if channel == self.channel]
        ids = [message for message, _, _ in heard]
        twice = {message for message in ids if ids.count(message) > 1} if len(set(ids)) != len(ids) else set()
        if twice:
            self._violated("heard once", f"{connection.client} heard {sorted(twice)[:3]} more than once")
        unknown = [message for message in ids if message not in self.place]
        if unknown:
            self._violated("nothing invented", f"{connection.client} heard {unknown[:3]}, which nobody lists")
        if twice or unknown:
            return
        places = [self.place[message] for message in ids]
        if any(later < earlier for earlier, later in pairwise(places)):
            self._violated("one order", f"{connection.client} heard the places {places[:200]}")
            return
        calls = {one.content: one.invoked for one in self.sends}
        for _, content, at in heard:
            if at < calls.get(content, -FOREVER):
                self._violated("real time", f"{connection.client} heard {content} before it was sent")
        # What was called after the connection stood has to be heard, and what follows something heard.
        due = [self.place[message] for message, content in self.final if calls.get(content, -1) > connection.opened]
        first = min(places[:1] + due[:1], default=None)
        if first is None:
            return
        last = len(self.final) - 1 if connection.closed == FOREVER else places[-1] if places else first - 1
        missing = sorted(set(range(first, last + 1)) - set(places))
        if missing:
            self._violated("nothing unheard", f"{connection.client} on node {connection.node} missed {len(missing)} "
                                              f"of {len(self.final)}, at the places {missing[:10]}")


def judge(channels, finals, sends, listings=(), connections=()):
    """The violations of all channels; `finals` maps a channel to its final order."""
    found = []
    for channel in channels:
        found += Judge(channel, finals[channel], sends, listings, connections).verdict()
    return found
