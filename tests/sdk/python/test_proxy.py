"""The proxy of the fault rounds does to connections what it says."""

import socket
import threading
import time

import pytest

from harness.proxy import Proxy


@pytest.fixture
def echo():
    """The port of a server that answers every connection with what it says."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(one):
        with one:
            try:
                while data := one.recv(4096):
                    one.sendall(data)
            except OSError:
                pass

    def take():
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(one,), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


@pytest.fixture
def proxy(echo):
    one = Proxy(echo)
    yield one
    one.close()


@pytest.fixture
def link(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=2) as one:
        assert asked(one, b"hello") == b"hello"
        yield one


def asked(link, data):
    link.sendall(data)
    return link.recv(4096)


def test_a_slow_proxy_delays_each_way(proxy, link):
    proxy.slow(0.2)
    began = time.monotonic()
    assert asked(link, b"late") == b"late"
    assert 0.4 <= time.monotonic() - began < 1.5


def test_a_silent_proxy_holds_everything_back_and_delivers_it_late(proxy, link):
    proxy.silence()
    link.settimeout(0.3)
    with pytest.raises(TimeoutError):
        asked(link, b"held")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=2) as other:
        other.settimeout(0.3)
        with pytest.raises(TimeoutError):
            asked(other, b"also held")
        proxy.go_on()
        link.settimeout(2)
        other.settimeout(2)
        assert (link.recv(100), other.recv(100)) == (b"held", b"also held")


def test_a_partition_may_end_with_its_connections_lost(proxy, link):
    proxy.silence()
    link.sendall(b"lost")
    proxy.go_on(cut=True)
    with pytest.raises(ConnectionResetError):
        link.recv(100)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=2) as other:
        assert asked(other, b"anew") == b"anew"


def test_an_answer_is_cut_in_the_middle(proxy, link):
    proxy.cut_next_answers()
    received = b""
    try:
        link.sendall(b"12345678")
        while data := link.recv(100):
            received += data
    except ConnectionResetError:
        pass
    assert received in (b"", b"1234")
    assert proxy.cuts == 1


def test_a_proxy_that_refuses_cuts_and_takes_none_until_it_goes_on(proxy, link):
    proxy.refuse()
    with pytest.raises(ConnectionResetError):
        link.recv(100)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=2)
    proxy.go_on()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=2) as other:
        assert asked(other, b"back") == b"back"
