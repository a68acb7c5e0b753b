"""Fixtures of the Python suites. The same directory serves two environments, told apart by botocore's version."""

import sys
from pathlib import Path

import botocore
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

OF_2020 = tuple(int(part) for part in botocore.__version__.split(".")[:2]) < (1, 20)
collect_ignore = [path.name for path in HERE.glob("test_*.py") if path.name.startswith("test_legacy") != OF_2020]

from harness import clock  # noqa: E402
from harness.server import ChimeServer  # noqa: E402

ROOMY = {"CHIME_QUOTAS__APP_INSTANCES_PER_ACCOUNT": "100000"}
"""The shared server serves many tests, each with an app instance of its own."""


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests of a worker that neither move the clock nor need settings of their own."""
    running = ChimeServer(tmp_path_factory.mktemp("shared") / "data", env=ROOMY).start()
    yield running
    running.stop()
    assert not running.panicked(), running.panicked()


@pytest.fixture(autouse=True)
def the_shared_server_survives(request):
    """The test that ends the shared server is the one that fails; the next ones get it back."""
    yield
    if "server" in request.fixturenames or "root" in request.fixturenames:
        running = request.getfixturevalue("server")
        if (code := running.process.poll()) is not None:
            log = running.log()
            running.start()
            pytest.fail(f"the server ended with {code} during this test\n{log}")


@pytest.fixture
def launch(tmp_path_factory):
    """Start servers of one's own: `launch(env=…, config=…)`; they end with the test, the signing time is reset."""
    started = []

    def start(**options):
        one = ChimeServer(tmp_path_factory.mktemp("own") / "data", **options)
        started.append(one)
        return one.start()

    yield start
    clock.set_signing_offset(0)
    for one in started:
        one.stop()
        assert not one.panicked(), one.panicked()


@pytest.fixture
def own_server(launch):
    """A server of one's own with default settings, for tests that move the clock."""
    return launch()


if not OF_2020:
    from harness.clients import Clients
    from harness.cluster import Nats, Node, Postgres
    from harness.sockets import open_socket
    from harness.world import World

    @pytest.fixture(scope="module")
    def postgres(tmp_path_factory):
        """A Postgres server for the tests of a module."""
        directory = tmp_path_factory.mktemp("postgres")
        for parent in [directory, *directory.parents]:
            if parent.owner() == directory.owner() and str(parent) != "/tmp":
                parent.chmod(0o755)
        one = Postgres(directory).start()
        yield one
        one.pause(False)
        one.end()

    @pytest.fixture(scope="module")
    def nats():
        """A NATS server for the tests of a module."""
        one = Nats().start()
        yield one
        one.end()

    @pytest.fixture
    def cluster(postgres, nats, tmp_path):
        """`cluster(3)`: so many nodes on a database of their own."""
        started = []

        def start(count, *, database=None, **options):
            database = database or postgres.url(postgres.database())
            options = options or {"nats": nats.url}
            nodes = [Node(tmp_path / f"node-{len(started) + n}", database, **options) for n in range(count)]
            started.extend(nodes)
            for one in nodes:
                one.start()
            return nodes

        yield start
        clock.set_signing_offset(0)
        for one in started:
            one.stop()
            assert not one.panicked(), one.panicked()

    @pytest.fixture(scope="session")
    def root(server):
        """Clients of the shared server signed with the root key."""
        return Clients(server)

    @pytest.fixture
    def world(root):
        """A fresh app instance on the shared server."""
        return World(root)

    @pytest.fixture
    def sockets():
        """Open WebSockets that are closed with the test: `sockets(server, user, …)`."""
        opened = []

        def start(*args, **options):
            one = open_socket(*args, **options)
            opened.append(one)
            return one

        yield start
        for one in opened:
            one.close()
