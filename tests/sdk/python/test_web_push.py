"""Web Push: browsers that subscribed with the server's key are pushed to, over TLS, encrypted."""

import base64
import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness.clients import Clients, send
from harness.devices import described, register
from harness.world import World

PUSH = {"PushNotification": {"Title": "a private title", "Body": "body", "Type": "DEFAULT"}}


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


class PushService:
    """Plays the push service of a browser's vendor, with an authority of its own."""

    def __init__(self, folder):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=push",
                "-keyout", "push.key", "-out", "push.csr", cwd=folder)
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "push.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", "push.pem", cwd=folder)
        outer = self
        self.ca, self.taken, self.status = folder / "ca.pem", [], 201

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append((self.path, dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "push.pem", folder / "push.key")
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.http.server_address[1]}/send/1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def one(self):
        until = time.monotonic() + 8
        while not self.taken and time.monotonic() < until:
            time.sleep(0.02)
        return self.taken.pop(0)


@pytest.fixture
def service(tmp_path):
    played = PushService(tmp_path)
    yield played
    played.http.shutdown()


def subscription(service):
    # The public key of RFC 8291's example.
    public = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    return json.dumps({"endpoint": service.url, "keys": {"p256dh": public, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}})


def stage(server, service):
    world = World(Clients(server))
    alice, bob = world.users("alice", "bob")
    channel = world.channel(alice)
    world.join(channel, bob, alice)
    return world, alice, bob, channel, register(world, bob, subscription(service), Type="GCM")


def environment(service, **more):
    return {"CHIME_WEB_PUSH_CONTACT": "mailto:ops@example.com", "CHIME_OUTBOUND_CA_FILE": str(service.ca), **more}


def test_a_subscribed_browser_is_pushed_to_encrypted_and_signed_with_the_key_that_it_subscribed_with(launch, service):
    server = launch(env=environment(service, CHIME_OUTBOUND_ALLOW_PRIVATE="true"))
    key = send(server, "GET", "/_chime/web-push-key").json["PublicKey"]
    assert len(base64.urlsafe_b64decode(key + "=")) == 65
    world, alice, _, channel, _ = stage(server, service)
    world.send(channel, alice, "hello", **PUSH)
    path, headers, body = service.one()
    assert path == "/send/1"
    headers = {name.lower(): value for name, value in headers.items()}
    assert (headers["content-encoding"], headers["ttl"], headers["urgency"]) == ("aes128gcm", "86400", "normal")
    scheme, _, rest = headers["authorization"].partition(" ")
    token, named = (part.split("=", 1)[1] for part in rest.split(", "))
    assert (scheme, named) == ("vapid", key)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["aud"], claims["sub"]) == (service.url.removesuffix("/send/1"), "mailto:ops@example.com")
    assert b"private" not in body and len(body) > 100
    server.stop()
    server.start()
    assert send(server, "GET", "/_chime/web-push-key").json["PublicKey"] == key, "the key outlives a restart"


def test_on_a_system_without_authorities_those_of_the_configuration_are_trusted(launch, service, tmp_path):
    (tmp_path / "none.pem").touch()
    bare = {"SSL_CERT_FILE": str(tmp_path / "none.pem"), "SSL_CERT_DIR": str(tmp_path / "none")}
    server = launch(env=environment(service, CHIME_OUTBOUND_ALLOW_PRIVATE="true", **bare))
    world, alice, _, channel, _ = stage(server, service)
    world.send(channel, alice, "hello", **PUSH)
    assert service.one()[0] == "/send/1"
    assert send(launch(env=bare), "GET", "/readyz").status == 200, "nor are they needed to serve"


def test_a_subscription_that_has_ended_is_inactive(launch, service):
    server = launch(env=environment(service, CHIME_OUTBOUND_ALLOW_PRIVATE="true"))
    world, alice, bob, channel, endpoint = stage(server, service)
    service.status = 410
    world.send(channel, alice, "hello", **PUSH)
    service.one()
    until = time.monotonic() + 3
    while described(world, bob, endpoint)["EndpointState"]["Status"] == "ACTIVE" and time.monotonic() < until:
        time.sleep(0.05)
    assert described(world, bob, endpoint)["EndpointState"] == {
        "Status": "INACTIVE", "StatusReason": "INVALID_DEVICE_TOKEN"}


def test_a_browser_cannot_have_the_server_call_a_private_address(launch, service):
    server = launch(env=environment(service))
    world, alice, bob, channel, endpoint = stage(server, service)
    world.send(channel, alice, "hello", **PUSH)
    until = time.monotonic() + 3
    while described(world, bob, endpoint)["EndpointState"]["Status"] == "ACTIVE" and time.monotonic() < until:
        time.sleep(0.05)
    assert described(world, bob, endpoint)["EndpointState"]["Status"] == "INACTIVE"
    assert service.taken == []


def test_without_a_contact_there_is_no_key(own_server):
    assert send(own_server, "GET", "/_chime/web-push-key").status == 404
