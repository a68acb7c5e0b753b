"""Start, watch, kill and restart one `chime-server` by its launch contract. Standard library only."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_WITHIN_S = 20.0
ENDS_WITHIN_S = 10.0
"""The launch contract: SIGTERM ends a server within this many seconds."""


def free_ports(count):
    """Ports that were free a moment ago: bound at port 0 together, then released together."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def binary():
    """The server under test, named by the caller; there is no default so that no stale build is tested."""
    path = os.environ.get("CHIME_SERVER_BIN")
    if not path:
        raise RuntimeError("set CHIME_SERVER_BIN to the chime-server binary under test (make test-sdk does it)")
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"CHIME_SERVER_BIN={path} is not an executable file")
    return path


class ChimeServer:
    """One server process on one data directory; it may be stopped and started again on the same data."""

    def __init__(self, data_dir, *, env=None, config=None, database=None, test_clock=True):
        self.data_dir = Path(data_dir)
        self.env = env or {}
        self.database = database
        self.test_clock = test_clock
        self.config = None
        if config is not None:
            self.config = self.data_dir.parent / f"{self.data_dir.name}.toml"
            self.config.write_text(config)
        self.process = None
        self.port = self.https_port = 0
        #: The port of media: by default another with each start.
        self.media = 0
        self.log_path = self.data_dir.parent / f"{self.data_dir.name}.log"

    def command(self):
        line = [binary(), "serve", "--data-dir", str(self.data_dir),
                "--http-listen", f"127.0.0.1:{self.port}", "--https-listen", f"127.0.0.1:{self.https_port}",
                "--media-listen", f"127.0.0.1:{self.media}"]
        if self.database:
            line += ["--database", self.database]
        if self.config:
            line += ["--config", str(self.config)]
        if self.test_clock:
            line.append("--test-clock")
        return line

    def start(self):
        """Start and wait until `/readyz` says 200."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not self.port:
            self.port, self.https_port = free_ports(2)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("CHIME_", "AWS_"))}
        environment.update(self.env)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), env=environment, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        self.wait_ready()
        return self

    def wait_ready(self):
        until = time.monotonic() + READY_WITHIN_S
        last = "no answer yet"
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode} before it was ready\n{self.log()}")
            try:
                status, _, body = self.http("GET", "/readyz")
                if status == 200:
                    return
                last = f"{status} {body[:300]!r}"
            except OSError as error:
                last = str(error)
            time.sleep(0.02)
        self.kill9()
        raise RuntimeError(f"the server was not ready after {READY_WITHIN_S} s: {last}\n{self.log()}")

    def stop(self):
        """SIGTERM, and the promise that it ends in time."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"SIGTERM did not end the server within {ENDS_WITHIN_S} s\n{self.log()}") from None

    def kill9(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self, tail=4000):
        return self.log_path.read_text(errors="replace")[-tail:] if self.log_path.exists() else ""

    def panicked(self):
        """The lines of the log in which the server says that it panicked."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return [line for line in text.splitlines() if "panicked at" in line]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def https_url(self):
        return f"https://127.0.0.1:{self.https_port}"

    @property
    def media_port(self):
        return int(json.loads((self.data_dir / "endpoints.json").read_text())["Media"].rsplit(":", 1)[1])

    @property
    def ca(self):
        return self.data_dir / "tls" / "ca.pem"

    @property
    def root(self):
        """The root key: `(access key id, secret access key)`."""
        if "CHIME_ROOT_ACCESS_KEY_ID" in self.env:
            return self.env["CHIME_ROOT_ACCESS_KEY_ID"], self.env["CHIME_ROOT_SECRET_ACCESS_KEY"]
        document = json.loads((self.data_dir / "root-credentials.json").read_text())
        return document["AccessKeyId"], document["SecretAccessKey"]

    def http(self, method, target, body=None, headers=None, timeout=30):
        """One unsigned request with the target sent as it is: `(status, headers, bytes)`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders(data)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def metrics(self):
        """The Prometheus text of `/metrics`."""
        status, _, body = self.http("GET", "/metrics")
        assert status == 200, body
        return body.decode()
