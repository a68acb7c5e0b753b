"""Where faults happen: one node on SQLite or Postgres, or several on Postgres, with a proxy before each connection."""

import os
import random
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .clients import Clients, token
from .cluster import Nats, Node, Postgres, until
from .history import Violation, judge
from .proxy import Proxy
from .recorded import Caller, Listener, Load
from .server import ChimeServer
from .world import World

SQLITE, POSTGRES, CLUSTER = "SQLite, one node", "Postgres, one node", "Postgres and NATS, three nodes"
NOTIFY = "Postgres and NOTIFY, two nodes"
SMALL = "Postgres on a disk of 200 MB, one node"
FAKETIME = os.environ.get("CHIME_FAKETIME")
"""The library libfaketime, where there is one: the nodes' wall clocks can be stepped then."""
BACK_WITHIN_S = 20.0
"""How soon after the end of a fault everything has to work again."""


@dataclass
class Tally:
    """What was counted in the rounds of one fault."""

    rounds: int = 0
    acknowledged: int = 0
    listed: int = 0
    heard: int = 0
    reconnects: int = 0
    errors: Counter = field(default_factory=Counter)
    longest: float = 0.0
    """Seconds that the slowest answer took."""
    outage: float = 0.0
    """Seconds without an acknowledgement, at most."""
    back: float = 0.0
    """Seconds from the end of a fault until every node had acknowledged again, at most."""
    violations: list = field(default_factory=list)

    def __str__(self):
        shown = ", ".join(f"{count} x {what}" for what, count in sorted(self.errors.items())) or "none"
        return (f"{self.rounds} rounds, {self.acknowledged} acknowledged, {self.listed} listings, {self.heard} heard, "
                f"{self.reconnects} reconnects, slowest answer {self.longest:.1f} s, "
                f"longest outage {self.outage:.1f} s, back after {self.back:.1f} s, errors shown: {shown}; "
                f"violations: {len(self.violations)}")


class Site:
    def __init__(self, kind, directory):
        self.kind = kind
        self.postgres = self.nats = self.database = self.disk = None
        self.mounted = False
        self.database_proxies, self.bus_proxies, self.nodes = [], [], []
        self.gone = set()
        """The places of the nodes that were made to go away in this round: only they may lose connections."""
        self.archive = {}
        """The final order of every channel of earlier rounds."""
        try:
            self._start(directory)
            world = World(Clients(self.nodes[0]))
            self.app = world.app
            self.alice, *self.others = world.users("alice", *(f"listener-{n}" for n in range(max(2, len(self.nodes)))))
            self.listeners = [Listener(self.nodes, user, n % len(self.nodes)) for n, user in enumerate(self.others)]
        except BaseException:
            self.end()
            raise

    def _start(self, directory):
        if self.kind == SQLITE:
            self.nodes = [ChimeServer(directory / "node-0")]
        else:
            self.disk = directory / "postgres"
            self.disk.mkdir()
            if self.kind == SMALL:
                mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(self.disk)]
                made = subprocess.run(mount, capture_output=True, text=True)
                assert made.returncode == 0, f"a small tmpfs is needed and may not be mounted: {made.stderr.strip()}"
                self.mounted = True
            self.postgres = Postgres(self.disk).start()
            self.database = self.postgres.database()
            url = self.postgres.url(self.database)
            if self.kind in (POSTGRES, SMALL):
                self.nodes = [Node(directory / "node-0", url)]
            else:
                self.nats = Nats().start() if self.kind == CLUSTER else None
                for n in range(3 if self.nats else 2):
                    database = Proxy(self.postgres.port)
                    self.database_proxies.append(database)
                    wire = {"cluster": "notify"}
                    if self.nats:
                        self.bus_proxies.append(Proxy(self.nats.port))
                        wire = {"nats": f"nats://127.0.0.1:{self.bus_proxies[-1].port}"}
                    own = url.replace(f":{self.postgres.port}/", f":{database.port}/")
                    self.nodes.append(Node(directory / f"node-{n}", own, **wire))
        for node in self.nodes:
            if FAKETIME:
                node.wall = node.data_dir.with_suffix(".clock")
                node.env = {**node.env, "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(node.wall),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
                self.step(node, 0)
            node.start()

    def step(self, node, seconds):
        """Steps the wall clock of a running node to so many seconds from the true time."""
        new = node.wall.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.replace(node.wall)

    def end(self):
        for listener in getattr(self, "listeners", []):
            listener.stop()
        for node in self.nodes:
            node.kill9()
        for proxy in self.database_proxies + self.bus_proxies:
            proxy.close()
        if self.postgres is not None:
            self.postgres.pause(False)
            self.postgres.end()
        if self.nats is not None:
            self.nats.end()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.disk)], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def readyz(self, place):
        """`(status, text)`; status 0 where nobody answers."""
        try:
            status, _, body = self.nodes[place].http("GET", "/readyz")
            return status, body.decode()
        except OSError:
            return 0, ""

    def leaving(self, node):
        """The node, which will go away: what it shows to clients now is not held against it."""
        self.gone.add(self.nodes.index(node))
        return node

    def not_ready(self, places=None, seconds=20):
        """Waits until these nodes, or all, have said that they cannot serve."""
        places = list(range(len(self.nodes)) if places is None else places)
        deadline = time.monotonic() + seconds

        def said(place):
            until(f"node {place} telling that it is not ready", lambda: self.readyz(place)[0] == 503,
                  deadline - time.monotonic())

        with ThreadPoolExecutor(len(places)) as pool:
            list(pool.map(said, places))

    def without_bus(self, places=None, seconds=20):
        for place in range(len(self.nodes)) if places is None else places:
            until(f"node {place} telling that the bus is away",
                  lambda place=place: self.readyz(place)[0] == 200 and "later" in self.readyz(place)[1], seconds)

    def ready(self, seconds=BACK_WITHIN_S):
        for place in range(len(self.nodes)):
            until(f"node {place} being ready again with all its parts",
                  lambda place=place: self.readyz(place)[0] == 200 and "later" not in self.readyz(place)[1], seconds)

    def caught_up(self, load, seconds):
        """Waits until every open connection has heard what is acknowledged by now."""
        due = [(one.channel, one.message) for one in list(load.sends) if one.message]
        for listener in self.listeners:
            connection = listener.connections[-1]
            until(f"a listener on node {connection.node} hearing all", lambda connection=connection: connection.code or
                  set(due) <= {(channel, message) for channel, message, _, _ in connection.heard}, seconds)

    def round(self, fault, tally, *, before=25, after=25):
        """One fault under load, and everything that was seen around it, judged."""
        caller, tally.rounds = Caller(self.nodes, self.alice), tally.rounds + 1
        channels = [self._channel(caller) for _ in range(2)]
        self.gone.clear()
        caller.close()
        first = {listener: len(listener.connections) - 1 for listener in self.listeners}
        load = Load(self.nodes, channels, self.alice)
        try:
            load.progress(before)
            fault.strike(self, load)
            began = time.monotonic()
            load.progress_on_each(2, BACK_WITHIN_S)
            tally.back = max(tally.back, time.monotonic() - began)
            load.progress(after)
        finally:
            load.stop()
        self.ready()
        finals = self._finals(channels, tally)
        connections = self._settled(load, finals, first, tally)
        tally.violations += judge(channels, finals, load.sends, load.listings, connections)
        self._count(load, connections, tally)
        self.archive.update(finals)

    def _channel(self, caller):
        return caller.call(random.randrange(len(self.nodes)), "POST", "/channels", {
            "AppInstanceArn": self.app, "Name": "room", "Mode": "UNRESTRICTED", "Privacy": "PRIVATE",
            "ClientRequestToken": token(), "MemberArns": self.others})["ChannelArn"]

    def _finals(self, channels, tally):
        """What every node lists in the end, which has to be the same."""
        caller, finals = Caller(self.nodes, self.alice), {}
        for channel in channels:
            listed = [caller.everything(place, channel) for place in range(len(self.nodes))]
            if any(other != listed[0] for other in listed):
                tally.violations.append(Violation("one order", f"two nodes list {channel} differently"))
            moments = [created for _, _, created in listed[0]]
            if moments != sorted(moments):
                tally.violations.append(Violation("timestamps", f"those of {channel} are not in its order"))
            finals[channel] = [(message, content) for message, content, _ in listed[0]]
        caller.close()
        return finals

    def _settled(self, load, finals, first, tally):
        """Every connection of the round, when those that are open have had the time to hear everything."""
        deadline = time.monotonic() + BACK_WITHIN_S
        moments = {one.content: one.invoked for one in load.sends}

        def has_heard(listener):
            """Whether the last message of each channel was heard, or called before the connection stood."""
            return listener.connected and all(
                not final or listener.heard(channel) == final[-1][0] or
                moments.get(final[-1][1], 0) < listener.connections[-1].opened for channel, final in finals.items())

        for place, listener in enumerate(self.listeners):
            while listener.gave_up is None and time.monotonic() < deadline and not has_heard(listener):
                time.sleep(0.02)
            if listener.gave_up is None and not listener.connected:
                tally.violations.append(Violation("comes back", f"{listener.user} is not connected again"))
            if listener.gave_up is not None:
                tally.violations.append(Violation("comes back", f"{listener.user} gave up ({listener.gave_up})"))
                self.listeners[place] = Listener(self.nodes, listener.user, place % len(self.nodes))
        return [one for listener, start in first.items() for one in listener.connections[start:]]

    def _count(self, load, connections, tally):
        tally.acknowledged += sum(load.acknowledged.values())
        tally.listed += len(load.listings)
        tally.heard += sum(channel in load.channels for one in connections for channel, _, _, _ in one.heard)
        tally.reconnects += sum(one.code is not None for one in connections)
        tally.longest = max(tally.longest, load.longest)
        tally.outage = max(tally.outage, load.outage())
        for _, place, what, seconds, allowed in load.errors:
            tally.errors[what] += 1
            if not (place in self.gone if allowed is None else allowed):
                tally.violations.append(Violation("typed errors", f"node {place} showed {what} after {seconds:.1f} s"))
        for one in connections:
            if one.code is not None and one.node not in self.gone:
                tally.violations.append(Violation("sockets stay", f"node {one.node} closed with {one.code}"))
        for node in self.nodes:
            if node.panicked():
                tally.violations.append(Violation("no panic", node.panicked()[0]))

    def archived(self, tally):
        """Lists every channel of all rounds once more."""
        caller = Caller(self.nodes, self.alice)
        for channel, final in self.archive.items():
            place = random.randrange(len(self.nodes))
            if [(message, content) for message, content, _ in caller.everything(place, channel)] != final:
                tally.violations.append(Violation("nothing lost", f"{channel} has changed since its round"))
        caller.close()
