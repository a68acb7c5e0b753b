"""A Postgres and a NATS server of our own, several chime-servers on them, and clients that note what they saw."""

import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from websockets.exceptions import ConnectionClosed

from .clients import Clients, token
from .server import ChimeServer, free_ports
from .sockets import open_socket

ROOT_KEY = {"CHIME_ROOT_ACCESS_KEY_ID": "AKIACLUSTERTESTS0001",
            "CHIME_ROOT_SECRET_ACCESS_KEY": "a-secret-that-all-nodes-share"}
_serial = itertools.count(1)


def until(what, holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def listening(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A server that is ended by its process id."""

    process = None

    def run(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def end(self, how=signal.SIGINT):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(20)


class Postgres(Process):
    """The newest Postgres that is installed, as the user `postgres`, since it refuses to run as root."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.port = free_ports(1)[0]
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        assert found, "Postgres is not installed: run scripts/setup.sh test"
        self.bin = Path(found[-1]).parent
        self.other = []
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self.other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*self.other, self.bin / "initdb", "-D", self.data, "-U", "chime", "-A", "trust", "-E", "UTF8",
                        "--no-locale", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/")

    @property
    def data(self):
        return self.directory / "data"

    def start(self):
        self.run([*self.other, self.bin / "postgres", "-D", self.data, "-c", f"port={self.port}",
                  "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300"])
        until("starting Postgres", lambda: self.psql("postgres", "SELECT 1") == "1")
        return self

    def crash(self):
        """Ends it without writing anything down."""
        self.end(signal.SIGQUIT)

    def pause(self, paused):
        """Stops it and all its sessions where they are, or lets them go on."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        for pid in [str(self.process.pid), *children]:
            try:
                os.kill(int(pid), signal.SIGSTOP if paused else signal.SIGCONT)
            except ProcessLookupError:
                pass

    def url(self, database, password=""):
        return f"postgres://chime{':' + password if password else ''}@127.0.0.1:{self.port}/{database}"

    def database(self):
        name = f"cluster_{next(_serial)}"
        self.psql("postgres", f"CREATE DATABASE {name}")
        return name

    def psql(self, database, sql):
        """What a statement prints; None if it fails."""
        ran = subprocess.run([self.bin / "psql", "-XAtqc", sql, self.url(database)], capture_output=True, text=True)
        return ran.stdout.strip() if ran.returncode == 0 else None


class Nats(Process):
    def __init__(self):
        assert shutil.which("nats-server"), "nats-server is not installed: run scripts/setup.sh test"
        self.port = free_ports(1)[0]

    def start(self):
        self.run(["nats-server", "-a", "127.0.0.1", "-p", str(self.port)])
        until("starting NATS", lambda: listening(self.port))
        return self

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"


class Node(ChimeServer):
    """One server of a cluster."""

    def __init__(self, data_dir, database, *, nats=None, cluster=None, env=None):
        shared = {"CHIME_DATABASE": database, **ROOT_KEY, **(env or {})}
        if nats:
            shared["CHIME_NATS"] = nats
        if cluster:
            shared["CHIME_CLUSTER"] = cluster
        super().__init__(data_dir, env=shared)


class Load:
    """Senders that try again with the same token, on the next node, until a message is acknowledged."""

    def __init__(self, nodes, channels, bearer, senders=4, pause=0.0):
        self.nodes, self.channels, self.bearer, self.pause = nodes, channels, bearer, pause
        self.sent, self.unexpected, self.retried = {}, [], 0
        self.unsure = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(senders)]
        for each in self._threads:
            each.start()

    def _run(self, sender):
        serial = 0
        clients = {}
        while not self._stop.is_set():
            channel = self.channels[serial % len(self.channels)]
            content, own = f"{sender}-{serial}-{uuid.uuid4().hex}", token()
            place = sender + serial
            serial += 1
            while True:
                node = self.nodes[place % len(self.nodes)]
                if node not in clients:
                    clients[node] = Clients(node, connect_timeout=2, read_timeout=15)
                try:
                    answer = clients[node].messaging.send_channel_message(
                        ChannelArn=channel, Content=content, Type="STANDARD", Persistence="PERSISTENT",
                        ChimeBearer=self.bearer, ClientRequestToken=own)
                    self.sent[content] = (channel, answer["MessageId"])
                    break
                except BotoCoreError:
                    pass
                except ClientError as error:
                    if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 429, 503):
                        self.unexpected.append(error)
                        return
                self.retried += 1
                if self._stop.is_set() and self.retried > 10_000:
                    self.unsure.add(content)
                    return
                place += 1
                time.sleep(0.05)
            time.sleep(self.pause)

    def progress(self, more, seconds=30):
        """Waits until so many more were acknowledged."""
        goal = len(self.sent) + more
        until(f"{more} more messages", lambda: len(self.sent) >= goal or self.unexpected, seconds)

    def stop(self):
        self._stop.set()
        for each in self._threads:
            each.join(40)
            assert not each.is_alive(), "a sender hangs"
        assert not self.unexpected, self.unexpected


class Watcher:
    """A WebSocket client that comes again when it is closed, on the next node, and notes what each connection saw."""

    def __init__(self, nodes, user, first=0):
        self.nodes, self.user, self.place = nodes, user, first
        self.seen = []
        """One list for each connection: `(channel, message id, content)`."""
        self.codes = []
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20), "the watcher was not connected"

    def _run(self):
        while not self._stop.is_set():
            try:
                one = open_socket(self.nodes[self.place % len(self.nodes)], self.user)
            except (OSError, ConnectionClosed, TimeoutError, AssertionError, EOFError):
                self.place += 1
                time.sleep(0.1)
                continue
            except Exception:  # a handshake that was cut has many names
                self.place += 1
                time.sleep(0.1)
                continue
            own = []
            self.seen.append(own)
            self._ready.set()
            try:
                while not self._stop.is_set():
                    try:
                        frame = one.frame(0.2)
                    except TimeoutError:
                        continue
                    if frame.event == "CREATE_CHANNEL_MESSAGE":
                        own.append((frame.payload["ChannelArn"], frame.payload["MessageId"], frame.payload["Content"]))
            except ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else 1006)
                self.place += 1
            except (OSError, EOFError):
                self.codes.append(1006)
                self.place += 1
            finally:
                one.close()

    def count(self):
        return sum(len(own) for own in self.seen)

    def stop(self):
        self._stop.set()
        self._thread.join(10)


def check(world, load, watchers, channels, bearer):
    """Every acknowledged message is stored once; all nodes list one order; every connection saw a part of it, once."""
    orders = {}
    for channel in channels:
        listed = world.listed(channel, bearer, SortOrder="ASCENDING")
        contents = [each["Content"] for each in listed]
        assert len(set(contents)) == len(contents), "a message is stored twice"
        order = {each["MessageId"]: place for place, each in enumerate(listed)}
        orders[channel] = order
        moments = [each["CreatedTimestamp"] for each in listed]
        assert moments == sorted(moments)
        for node in load.nodes:
            if node.process.poll() is None:
                other = Clients(node)
                found, more = [], {}
                while True:
                    page = other.messaging.list_channel_messages(ChannelArn=channel, ChimeBearer=bearer,
                                                                 SortOrder="ASCENDING", **more)
                    found += [each["MessageId"] for each in page["ChannelMessages"]]
                    if not page.get("NextToken"):
                        break
                    more = {"NextToken": page["NextToken"]}
                assert found == list(order), "two nodes list different orders"
    for content, (channel, message) in load.sent.items():
        assert message in orders[channel], f"the acknowledged message {content} is lost"
    for watcher in watchers:
        for own in watcher.seen:
            for channel in channels:
                places = [orders[channel][message] for at, message, _ in own if at == channel]
                assert places == list(range(places[0], places[0] + len(places))) if places else True, (
                    "a connection saw another order, a message twice, or missed one: "
                    f"{[pair for pair in itertools.pairwise(places) if pair[1] != pair[0] + 1][:5]}")
