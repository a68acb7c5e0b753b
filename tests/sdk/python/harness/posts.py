"""Tiny HTTP servers on loopback that chime-server calls: the endpoint of functions, the gateway of notifications."""

import json
import queue
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT, REGION = "123456789012", "us-east-1"


class Post:
    """One POST that was taken."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, json.loads(body)

    def __repr__(self):
        return f"<POST {self.path} {self.body}>"


class Posts:
    """Takes POSTs on one port, notes them, and may be down for a while."""

    def __init__(self):
        self.port, self.taken, self._http = 0, [], None
        self.up()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def take(self, post):
        """The status to answer with; overridden by those who want another or more."""
        return 200

    def up(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = Post(self.path, self.headers, body)
                outer.taken.append(post)
                status = outer.take(post)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

        self._http = Server(("127.0.0.1", self.port), Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def down(self):
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None


class Function:
    """A function as its author sees it: the events it was invoked with, one after the other."""

    def __init__(self, arn):
        self.arn, self.status, self.reaction = arn, 202, None
        self.posts, self._queue = [], queue.Queue()

    def invoked(self, post):
        self.posts.append(post)
        if 200 <= self.status < 300:
            if self.reaction is not None:
                self.reaction(post.body)
            self._queue.put(post.body)
        return self.status

    def event(self, timeout=5):
        """The next event; `queue.Empty` if none comes."""
        return self._queue.get(timeout=timeout)

    def idle(self, seconds=0.4):
        """True if it is not invoked for this long; else the event."""
        try:
            return self.event(seconds)
        except queue.Empty:
            return True


class Lambda(Posts):
    """Plays the invocation endpoint of functions, and URLs that functions are routed to."""

    PREFIX, SUFFIX = "/2015-03-31/functions/", "/invocations"

    def __init__(self):
        self.functions, self.strays, self._serial = {}, [], 0
        super().__init__()

    def function(self, name=None):
        """A function that exists from now on, and answers 202."""
        self._serial += 1
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name or f'f{self._serial}'}"
        return self.functions.setdefault(arn, Function(arn))

    def take(self, post):
        path = urllib.parse.unquote(post.path)
        if path.startswith("/own/"):
            arn = path[len("/own/"):]
        elif path.startswith(self.PREFIX) and path.endswith(self.SUFFIX):
            arn = path[len(self.PREFIX):-len(self.SUFFIX)]
        else:
            arn = None
        if arn not in self.functions:
            self.strays.append(post)
            return 404
        return self.functions[arn].invoked(post)


class Gateway(Posts):
    """Plays the gateway that hands push notifications to devices."""

    def __init__(self):
        self.statuses = {}
        super().__init__()

    def take(self, post):
        return self.statuses.get(post.body["DeviceToken"], 200)

    def told(self, count, timeout=5):
        """The bodies of the notifications taken since the last look, once there are this many."""
        until = time.monotonic() + timeout
        while len(self.taken) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.taken) >= count, f"{count} notifications were expected: {self.taken}"
        taken, self.taken = self.taken, []
        return [post.body for post in taken]

    def tokens(self, count, timeout=5, settle=0.15):
        """The device tokens told since the last look, sorted; waits a little for more than expected."""
        found = self.told(count, timeout)
        time.sleep(settle)
        return sorted(body["DeviceToken"] for body in found + self.told(0))

    def quiet(self, seconds=0.4):
        """True if nothing is told for this long; else what was."""
        time.sleep(seconds)
        return self.told(0) or True
