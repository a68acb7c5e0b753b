"""The messaging WebSocket as a test sees it: presign, connect, read frames."""

import json
import ssl
import uuid

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as ws_connect

from .clients import Keys, presign


class Frame:
    """One received frame, its payload parsed."""

    def __init__(self, text):
        envelope = json.loads(text)
        assert set(envelope) == {"Headers", "Payload"}, envelope
        self.headers = envelope["Headers"]
        assert isinstance(envelope["Payload"], str), "the payload is JSON text in a string (rule WEB-19)"
        self.payload = json.loads(envelope["Payload"]) if envelope["Payload"] else {}

    @property
    def event(self):
        return self.headers["x-amz-chime-event-type"]

    @property
    def type(self):
        return self.headers["x-amz-chime-message-type"]

    def __repr__(self):
        return f"<{self.event} {self.headers} {self.payload}>"


def connect_url(server, user, keys=None, *, session=None, expires=10, secure=False, extra=None, **signing):
    """The signed URL of `GET /connect` for this user, on the plain or the TLS listener."""
    port = server.https_port if secure else server.port
    params = {"sessionId": session or str(uuid.uuid4()), "userArn": user, **(extra or {})}
    params = {name: value for name, value in params.items() if value is not None}
    url = presign(f"http://127.0.0.1:{port}/connect", keys or Keys(*server.root), expires=expires, params=params,
                  **signing)
    return ("wss" if secure else "ws") + url[len("http"):]


class Socket:
    """A connection whose frames are read with a deadline."""

    def __init__(self, url, *, ca=None, established=True, timeout=5):
        context = ssl.create_default_context(cafile=str(ca)) if url.startswith("wss") else None
        self.raw = ws_connect(url, ssl=context, compression=None, open_timeout=timeout, close_timeout=2, proxy=None,
                              max_size=2**22).__enter__()
        if established:
            first = self.frame(timeout)
            assert first.event == "SESSION_ESTABLISHED", first

    def frame(self, timeout=5):
        """The next frame; TimeoutError if none comes."""
        return Frame(self.raw.recv(timeout))

    def frames(self, count, timeout=5):
        return [self.frame(timeout) for _ in range(count)]

    def until(self, event, timeout=5):
        """The next frame of this event, skipping others."""
        while True:
            frame = self.frame(timeout)
            if frame.event == event:
                return frame

    def silent(self, seconds=0.7):
        """True if nothing arrives for this long; else the frame that did."""
        try:
            return self.frame(seconds) is None
        except TimeoutError:
            return True

    def closed_with(self, timeout=5):
        """The close code; fails if the connection stays open."""
        try:
            while True:
                self.raw.recv(timeout)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            raise AssertionError(f"the connection was still open after {timeout} s") from None

    def closed_with_or_open(self):
        """The close code, or None once the session is established."""
        try:
            return None if self.frame().event == "SESSION_ESTABLISHED" else 0
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def close(self):
        self.raw.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open_socket(server, user, keys=None, **options):
    """Connect as this user and wait for SESSION_ESTABLISHED."""
    secure = options.get("secure", False)
    established = options.pop("established", True)
    timeout = options.pop("timeout", 5)
    return Socket(connect_url(server, user, keys, **options), ca=server.ca if secure else None,
                  established=established, timeout=timeout)
