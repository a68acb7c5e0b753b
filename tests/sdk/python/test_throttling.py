"""Throttling per account and operation, without leaning on its configured numbers."""

import json
import re
import socket
import time

import pytest

from harness.clients import Clients, quoted, send, sign, token
from harness.world import World


def burst(server, path, count, *, bearer=None, connections=4):
    """The same signed GET, pipelined: statuses and raw text of the answers, and the seconds it took.

    One signature serves all: a request may be repeated while its date is fresh. Pipelining makes the client so cheap
    that the server, not Python, sets the pace.
    """
    headers = sign(server, "GET", path, bearer=bearer)
    head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    wires = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(connections)]
    started = time.monotonic()
    share = count // connections
    step = 50
    received = [b"" for _ in wires]
    for _ in range(0, share, step):
        for wire in wires:
            wire.sendall(head.encode() * step)
        for index, wire in enumerate(wires):
            done = received[index].count(b"HTTP/1.1 ") + step
            while received[index].count(b"HTTP/1.1 ") < done:
                chunk = wire.recv(1 << 20)
                if not chunk:
                    break
                received[index] += chunk
    elapsed = time.monotonic() - started
    for wire in wires:
        wire.close()
    texts = b"".join(received).decode(errors="replace")
    return re.findall(r"HTTP/1\.1 (\d{3})", texts), texts, elapsed


@pytest.fixture
def fresh(launch):
    server = launch(database="memory:")
    return server, World(Clients(server))


@pytest.fixture
def slow(launch):
    """A server whose rate any machine can exceed."""
    env = {"CHIME_THROTTLE__REQUESTS_PER_SECOND": "50", "CHIME_THROTTLE__BURST": "400"}
    server = launch(database="memory:", env=env)
    return server, World(Clients(server))


def test_two_hundred_calls_at_once_are_not_throttled(fresh):
    server, world = fresh
    statuses, _, _ = burst(server, f"/app-instances/{quoted(world.app)}", 200)
    assert set(statuses) == {"200"}


@pytest.fixture
def throttled(slow):
    """Bursts on one operation until it is throttled."""
    server, world = slow
    path = f"/app-instances/{quoted(world.app)}"
    sent = 0
    while sent < 60_000:
        statuses, texts, _ = burst(server, path, 2_000)
        sent += 2_000
        if "429" in statuses:
            return server, world, path, statuses, texts
    pytest.fail(f"{sent} calls of one operation in a row were never throttled")


def test_too_many_calls_of_one_operation_get_a_typed_429_with_retry_after(throttled):
    _, _, _, statuses, texts = throttled
    assert set(statuses) <= {"200", "429"}, set(statuses)
    answer = texts[texts.index("HTTP/1.1 429"):]
    head, _, rest = answer.partition("\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    assert headers["x-amzn-errortype"] == "throttledclientexception"
    assert int(headers["retry-after"]) >= 0
    body = json.loads(rest[:int(headers["content-length"])])
    assert body["Code"] == "Throttled" and body["Message"]


def test_another_operation_is_not_throttled_and_the_first_recovers(throttled):
    server, world, path, _, _ = throttled
    burst(server, path, 400)
    assert send(server, "POST", "/app-instances", {"Name": "n", "ClientRequestToken": token()}).status == 201
    until = time.monotonic() + 30
    while send(server, "GET", path).status != 200:
        assert time.monotonic() < until, "the operation was still throttled half a minute later"
        time.sleep(0.2)
    time.sleep(1)
    world.identity.describe_app_instance(AppInstanceArn=world.app)
