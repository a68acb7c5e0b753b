"""The faults: what each does to a site under load, what has to hold meanwhile, and how it ends."""

import contextlib
import random
import signal
import threading
import time
from dataclasses import dataclass
from typing import Callable

from .clock import server_now
from .cluster import until
from .site import CLUSTER, FAKETIME, NOTIFY, POSTGRES, SMALL, SQLITE

FAULTS = []


@dataclass(frozen=True)
class Fault:
    name: str
    kind: str
    strike: Callable
    short: int
    """Rounds in `make test`."""
    share: float
    """Rounds in the long run, as a part of those asked for: those of a fault that takes long are fewer."""


def fault(name, *kinds, short=1, share=0.1):
    def add(strike):
        FAULTS.extend(Fault(name, kind, strike, short, share) for kind in kinds)
        return strike

    return add


def some(site):
    """A node that has a listener."""
    return random.choice([listener.connections[-1].node for listener in site.listeners if listener.connections])


@fault("kill -9", NOTIFY, short=0)
@fault("kill -9", SQLITE, POSTGRES, CLUSTER, short=2, share=1.0)
def kill(site, load):
    node = site.leaving(random.choice(site.nodes))
    time.sleep(random.random() * 0.4)
    node.kill9()
    if len(site.nodes) > 1 and random.random() < 0.5:
        load.progress(15)
    time.sleep(random.random() * 0.3)
    node.start()


@fault("kill -9 of all nodes at once", CLUSTER, short=0)
def kill_all(site, load):
    for node in site.nodes:
        site.leaving(node).process.kill()
    for node in site.nodes:
        node.process.wait()
        node.start()


@fault("kill -9 of a node and Postgres crashed", CLUSTER, short=0)
def kill_and_crash(site, load):
    node = site.leaving(random.choice(site.nodes))
    node.kill9()
    site.postgres.crash()
    site.postgres.start()
    node.start()


@fault("one node paused for 6 s", CLUSTER, short=0)
def node_paused(site, load):
    node = site.nodes[some(site)]
    node.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(6)
    finally:
        node.process.send_signal(signal.SIGCONT)


@fault("rolling restart", CLUSTER, share=0.2)
def rolling_restart(site, load):
    for node in random.sample(site.nodes, len(site.nodes)):
        site.leaving(node).stop()
        assert node.process.returncode == 0, f"a drained node ended with {node.process.returncode}"
        node.start()
        load.progress(10)


@fault("clock of one node 30 s ahead, and back by a restart", SQLITE, CLUSTER)
def clock_steps(site, load):
    node = random.choice(site.nodes)
    status, _, body = node.http("POST", "/_chime/clock", {"AdvanceSeconds": 30}, {"Content-Type": "application/json"})
    assert status == 200, body
    load.progress(20)
    site.leaving(node).kill9()
    node.start()


def stepped_clock(site, load):
    node = random.choice(site.nodes)
    for seconds in random.sample([60, -60], 2):
        before = server_now(node)
        site.step(node, seconds)
        until("the clock stepping", lambda before=before, seconds=seconds: abs(
            (server_now(node) - before).total_seconds()) > abs(seconds) - 5)
        load.progress_on_each(8)
    site.step(node, 0)


if FAKETIME:
    fault("wall clock of one node stepped 60 s forwards and back, and back and forwards", SQLITE, CLUSTER, short=0)(
        stepped_clock)


@fault("Postgres stopped and started", POSTGRES, CLUSTER)
def database_restarted(site, load):
    site.postgres.end()
    site.not_ready()
    site.postgres.start()


@fault("Postgres crashed and started", CLUSTER, NOTIFY, short=0)
def database_crashed(site, load):
    site.postgres.crash()
    site.not_ready()
    time.sleep(random.random())
    site.postgres.start()


@fault("Postgres paused for 5 to 10 s", CLUSTER)
def database_paused(site, load):
    seconds = random.uniform(5, 10)
    site.postgres.pause(True)
    going_on = threading.Timer(seconds, site.postgres.pause, (False,))
    going_on.start()
    try:
        if seconds > 8:
            site.not_ready(seconds=seconds)
    finally:
        going_on.join()


@fault("Postgres slow: 0.15 s on each way", CLUSTER)
def database_slow(site, load):
    for proxy in site.database_proxies:
        proxy.slow(0.15)
    load.progress_on_each(2, 30)
    for proxy in site.database_proxies:
        proxy.slow(0)


@fault("Postgres slow: 3 s on each way", CLUSTER, short=0)
def database_too_slow(site, load):
    for proxy in site.database_proxies:
        proxy.slow(3.0)
    site.not_ready()
    for proxy in site.database_proxies:
        proxy.slow(0)


@fault("Postgres's disk full", SMALL, short=0)
def database_disk_full(site, load):
    """A Postgres that cannot write its log ends itself and comes back; one that cannot do that is started by hand."""
    filler = site.disk / "filler"
    try:
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(65536)):
                pass
        until("an error", lambda: load.errors, 30)
        time.sleep(1)
    finally:
        filler.unlink()
    if site.postgres.process.poll() is not None:
        site.postgres.start()


@fault("connections to Postgres cut in the middle of answers", NOTIFY, short=0)
@fault("connections to Postgres cut in the middle of answers", CLUSTER, share=0.3)
def database_cut(site, load):
    for _ in range(5):
        for proxy in site.database_proxies:
            proxy.cut_next_answers()
        time.sleep(0.25)
    for proxy in site.database_proxies:
        proxy.cut()


@fault("Postgres partitioned from one node for 8 s", CLUSTER, NOTIFY, short=0)
def database_partitioned(site, load):
    place = some(site)
    proxy = site.database_proxies[place]
    others = {other: load.acknowledged[other] + 3 for other in range(len(site.nodes)) if other != place}
    ends = time.monotonic() + 8
    proxy.silence()
    try:
        until("the other nodes going on", lambda: all(load.acknowledged[n] >= goal for n, goal in others.items()), 15)
        site.not_ready([place])
        time.sleep(max(0.0, ends - time.monotonic()))
    finally:
        proxy.go_on(cut=random.random() < 0.5)


@fault("NATS stopped for a while and started", CLUSTER)
def bus_stopped(site, load):
    site.nats.end()
    site.without_bus()
    load.progress(30)
    site.caught_up(load, 5)
    site.nats.start()


@fault("NATS restarted at once", CLUSTER)
def bus_restarted(site, load):
    site.nats.end()
    site.nats.start()
    load.progress(20)


@fault("NATS partitioned from one node for 6 s", CLUSTER)
def bus_partitioned(site, load):
    proxy = site.bus_proxies[some(site)]
    ends = time.monotonic() + 6
    proxy.silence()
    try:
        while time.monotonic() < ends:
            load.progress(20)
            site.caught_up(load, 5)
    finally:
        proxy.go_on(cut=random.random() < 0.5)


@fault("NATS partitioned from one node until it says so", CLUSTER, short=0, share=0.05)
def bus_partitioned_for_long(site, load):
    place = some(site)
    site.bus_proxies[place].silence()
    try:
        site.without_bus([place], 40)
        load.progress(20)
        site.caught_up(load, 5)
    finally:
        site.bus_proxies[place].go_on(cut=True)


@fault("Postgres and NATS gone together", CLUSTER)
def both_gone(site, load):
    site.postgres.crash()
    site.nats.end()
    site.not_ready()
    for server in random.sample([site.postgres, site.nats], 2):
        server.start()


@fault("one node partitioned from Postgres and NATS for 8 s", CLUSTER)
def both_partitioned(site, load):
    place = some(site)
    proxies = [site.database_proxies[place], site.bus_proxies[place]]
    ends = time.monotonic() + 8
    for proxy in proxies:
        proxy.silence()
    try:
        site.not_ready([place])
        load.progress(10)
        time.sleep(max(0.0, ends - time.monotonic()))
    finally:
        for proxy in proxies:
            proxy.go_on(cut=random.random() < 0.5)
