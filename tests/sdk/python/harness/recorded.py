"""Clients that write down what they called, when, and what they were answered, for `history.judge`."""

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter

from websockets.exceptions import ConnectionClosed

from .clients import quoted, sign, token
from .cluster import until
from .history import FOREVER, Connection, Listing, Send
from .sockets import open_socket

PATIENCE_S = 15.0
"""How long a client waits for one answer: everything has to be answered sooner. The database is given 5 s in one step
of the server, and a commit may need two of them."""
TYPED = {503: "ServiceUnavailableException", 429: "ThrottledClientException"}
"""The only errors that a fault may show, by status; with `Retry-After`."""


class Answered(Exception):
    """An answer that is no success."""

    def __init__(self, status, headers, text):
        self.status, self.error = status, headers.get("x-amzn-ErrorType")
        super().__init__(f"{status} {self.error} {text}")
        self.typed = TYPED.get(status) == self.error and headers.get("Retry-After") is not None


class Caller:
    """Signed calls over connections that are kept, to any node, without retries."""

    def __init__(self, nodes, bearer):
        self.nodes, self.bearer, self._kept = nodes, bearer, {}

    def call(self, place, method, target, body=None):
        """The answer's document; `Answered` for an error, `OSError` or `HTTPException` where the connection fails."""
        node = self.nodes[place]
        data = b"" if body is None else json.dumps(body).encode()
        headers = sign(node, method, target, data, {"Content-Type": "application/json"}, bearer=self.bearer)
        kept = self._kept.get(place) or http.client.HTTPConnection("127.0.0.1", node.port, timeout=PATIENCE_S)
        self._kept[place] = kept
        try:
            kept.request(method, target, data or None, headers)
            answer = kept.getresponse()
            text = answer.read()
        except BaseException:
            kept.close()
            del self._kept[place]
            raise
        if answer.status >= 300:
            raise Answered(answer.status, answer.headers, text[:300])
        return json.loads(text) if text else {}

    def send(self, place, channel, content, own):
        body = {"Content": content, "Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": own}
        return self.call(place, "POST", f"/channels/{quoted(channel)}/messages", body)["MessageId"]

    def newest(self, place, channel):
        """One page of the newest: `(messages, oldest first; whether these are all)`."""
        page = self.call(place, "GET", f"/channels/{quoted(channel)}/messages?max-results=50&sort-order=DESCENDING")
        return page["ChannelMessages"][::-1], not page.get("NextToken")

    def everything(self, place, channel):
        """`(message id, content, created)` of all pages, oldest first."""
        found, more = [], ""
        while True:
            target = f"/channels/{quoted(channel)}/messages?max-results=50&sort-order=ASCENDING{more}"
            page = self.call(place, "GET", target)
            found += [(one["MessageId"], one["Content"], one["CreatedTimestamp"]) for one in page["ChannelMessages"]]
            if not page.get("NextToken"):
                return found
            more = f"&next-token={quoted(page['NextToken'])}"

    def close(self):
        for kept in self._kept.values():
            kept.close()


class Load:
    """Clients that send, and list what they sent, each through a node of its own, and clients that list through all.

    A send is tried again with the same token, on the next node, until it is acknowledged.
    """

    def __init__(self, nodes, channels, bearer, senders=4, readers=2, pause=0.012):
        self.nodes, self.channels, self.pause = nodes, channels, pause
        self.sends, self.listings = [], []
        self.acknowledged = Counter()
        """By node."""
        self.errors = []
        """`(moment, node, status or name, seconds it took, whether it may be shown)`."""
        self.longest = 0.0
        self._stop = threading.Event()
        runs = [self._sender] * senders + [self._reader] * readers
        self._threads = [threading.Thread(target=run, args=(n, Caller(nodes, bearer)), daemon=True)
                         for n, run in enumerate(runs)]
        for each in self._threads:
            each.start()

    def _sender(self, client, caller):
        serial, name, place = client, f"client-{client}", client % len(self.nodes)
        while not self._stop.is_set():
            channel = self.channels[serial % len(self.channels)]
            self._send(caller, name, channel, place)
            if random.random() < 0.25:
                self._list(caller, name, channel, place)
            serial += 1
            time.sleep(self.pause)
        caller.close()

    def _reader(self, client, caller):
        while not self._stop.is_set():
            self._list(caller, f"client-{client}", random.choice(self.channels), random.randrange(len(self.nodes)))
            time.sleep(5 * self.pause)
        caller.close()

    def _send(self, caller, name, channel, place):
        content, own, invoked = uuid.uuid4().hex, token(), time.monotonic()
        given_up = None
        while True:
            message = self._ask(place, caller.send, channel, content, own)
            if message is not None:
                now = time.monotonic()
                self.sends.append(Send(name, channel, content, invoked, now, message, place))
                self.acknowledged[place] += 1
                return
            if self._stop.is_set():
                given_up = given_up or time.monotonic() + 2 * PATIENCE_S
                if time.monotonic() > given_up:
                    self.sends.append(Send(name, channel, content, invoked))
                    return
            place = (place + 1) % len(self.nodes)
            time.sleep(0.03 + 0.04 * random.random())

    def _list(self, caller, name, channel, place):
        invoked = time.monotonic()
        page = self._ask(place, caller.newest, channel)
        if page is not None:
            messages, whole = page
            self.listings.append(Listing(name, channel, tuple(one["MessageId"] for one in messages), invoked,
                                         time.monotonic(), whole, place))

    def _ask(self, place, call, *args):
        """What the call answers; None for an error, which is written down."""
        began = time.monotonic()
        try:
            return call(place, *args)
        except Answered as answered:
            self._failed(began, place, str(answered.status if answered.typed else answered)[:200], answered.typed)
        except TimeoutError:
            self._failed(began, place, "hung", False)
        except (OSError, http.client.HTTPException) as error:
            self._failed(began, place, type(error).__name__, None)
        finally:
            self.longest = max(self.longest, time.monotonic() - began)
        return None

    def _failed(self, began, place, what, allowed):
        self.errors.append((began, place, what, time.monotonic() - began, allowed))

    def progress(self, more, seconds=40):
        """Waits until so many more were acknowledged."""
        goal = len(self.sends) + more
        until(f"{more} more messages", lambda: len(self.sends) >= goal, seconds)

    def progress_on_each(self, more, seconds=40):
        """Waits until every node has acknowledged so many more."""
        goal = {place: self.acknowledged[place] + more for place in range(len(self.nodes))}
        until(f"{more} more messages on each node",
              lambda: all(self.acknowledged[place] >= least for place, least in goal.items()), seconds)

    def stop(self):
        self._stop.set()
        for each in self._threads:
            each.join(4 * PATIENCE_S)
            assert not each.is_alive(), "a client hangs"

    def outage(self):
        """The longest time in which nothing was acknowledged."""
        moments = sorted(one.returned for one in self.sends if one.returned != FOREVER)
        return max((b - a for a, b in zip(moments, moments[1:], strict=False)), default=0.0)


class Listener:
    """A WebSocket client that comes again by the rules of amazon-chime-sdk-js 3.

    It reconnects after the close codes 1001, 1006, 1011 to 1014 and those above 4000 but 4002, 4003 and 4401, with the
    same session id, after a full-jitter back-off (1 s, doubled up to 5 s), asks for the endpoint each time, and gives
    up when no connection stood for 10 s after the first attempt. Each attempt goes to the next node that takes
    connections, as through a load balancer.
    """

    GIVES_UP_S, SHORT_S, LONG_S = 10.0, 1.0, 5.0

    def __init__(self, nodes, user, first=0, pinned=False):
        self.nodes, self.user, self.place, self.pinned = nodes, user, first, pinned
        self.session = str(uuid.uuid4())
        self.connections = []
        self.gave_up = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        until("the listener's first connection", lambda: self.connections or self.gave_up)

    @staticmethod
    def comes_again(code):
        return code in (1001, 1006, 1011, 1012, 1013, 1014) or (code > 4000 and code not in (4002, 4003, 4401))

    @property
    def connected(self):
        return bool(self.connections) and self.connections[-1].closed == FOREVER

    def _run(self):
        tries, began = 0, None
        while not self._stop.is_set():
            began = began or time.monotonic()
            code, stood = self._once()
            if stood:
                tries, began = 0, None
            if self._stop.is_set():
                return
            if not self.comes_again(code) or (began and time.monotonic() - began >= self.GIVES_UP_S):
                self.gave_up = code
                return
            self._stop.wait(random.random() * min(self.LONG_S, self.SHORT_S * 2**tries))
            tries += 1
            if not self.pinned:
                self.place = (self.place + 1) % len(self.nodes)

    def _once(self):
        """One connection from its endpoint to its end: `(close code, whether it stood)`."""
        one = None
        try:
            caller = Caller(self.nodes, None)
            caller.call(self.place, "GET", "/endpoints/messaging-session")
            caller.close()
            one = open_socket(self.nodes[self.place], self.user, session=self.session)
        except Answered:
            return 4999, False
        except ConnectionClosed as closed:
            return (closed.rcvd.code if closed.rcvd else 1006), True
        except Exception:  # a handshake that was cut has many names
            return 1006, False
        own = Connection(f"listener {self.user[-8:]}", time.monotonic(), node=self.place)
        self.connections.append(own)
        try:
            while not self._stop.is_set():
                try:
                    frame = one.frame(0.2)
                except TimeoutError:
                    continue
                if frame.event == "CREATE_CHANNEL_MESSAGE":
                    said = frame.payload
                    own.heard.append((said["ChannelArn"], said["MessageId"], said["Content"], time.monotonic()))
            return 1000, True
        except ConnectionClosed as closed:
            own.code = closed.rcvd.code if closed.rcvd else 1006
        except (OSError, EOFError):
            own.code = 1006
        finally:
            if own.code is not None:
                own.closed = time.monotonic()
            one.close()
        return own.code, True

    def heard(self, channel):
        """The last message of the channel that the connection of now has heard."""
        last = [message for at, message, _, _ in self.connections[-1].heard if at == channel]
        return last[-1] if last else None

    def stop(self):
        self._stop.set()
        self._thread.join(10)
