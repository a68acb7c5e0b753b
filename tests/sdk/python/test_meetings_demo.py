"""The page to meet on: who may use it, by the setting `demo`, and what it is given."""

import http.client
import json
import socket

import pytest

from harness.clients import Clients
from harness.conference import create
from harness.server import ChimeServer
from harness.signaling import Signaling

PAGE, SCRIPT, JOIN = "/demo/meeting", "/demo/meeting.js", "/demo/meeting/join"
KITCHEN = {"Room": "kitchen", "Name": "Ann"}


def ask(server, method, path, *, headers=None, body=None, target=None, address="127.0.0.1"):
    """One request with these headers and no others: `(status, headers, bytes)`."""
    own = {"Host": f"127.0.0.1:{server.port}", **(headers or {})}
    connection = http.client.HTTPConnection(address, server.port, timeout=10)
    try:
        connection.putrequest(method, target or path, skip_host=True, skip_accept_encoding=True)
        for name, value in own.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def join(server, what=KITCHEN, *, headers=None, **more):
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    return ask(server, "POST", JOIN, body=body, headers={"Content-Type": "application/json", **(headers or {})}, **more)


def admits(server, **more):
    """Whether the page, its script and a join are there; it is all or nothing."""
    found = {ask(server, "GET", PAGE, **more)[0], ask(server, "GET", SCRIPT, **more)[0], join(server, **more)[0]}
    assert found in ({200}, {404}), found
    return found == {200}


def outward():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


class Everywhere(ChimeServer):
    """A server that listens on all addresses."""

    def command(self):
        return [part.replace(f"127.0.0.1:{self.port}", f"0.0.0.0:{self.port}") for part in super().command()]


@pytest.fixture
def everywhere(tmp_path):
    """`everywhere(setting)`: such a server with this setting of `demo`."""
    started = []

    def start(setting):
        one = Everywhere(tmp_path / setting, env={"CHIME_DEMO": setting})
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()
        assert not one.panicked(), one.panicked()


def test_the_page_and_its_script_are_served_with_a_policy_that_no_other_page_may_frame(server):
    for path, kind in ((PAGE, "text/html"), (SCRIPT, "text/javascript")):
        status, headers, body = ask(server, "GET", path)
        assert status == 200 and headers["content-type"].startswith(kind) and len(body) > 100, path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert b'<script src="meeting.js">' in ask(server, "GET", PAGE)[2]
    assert b"_aws_wt_session" in ask(server, "GET", SCRIPT)[2]


def test_a_room_is_one_meeting_and_everybody_in_it_gets_a_token_that_joins(server):
    joined = [json.loads(join(server, {"Room": room, "Name": name})[2])
              for room, name in (("den", "Ann"), ("den", "Ann"), ("Küche!", "Bo#b\n"))]
    ann, twin, bob = joined
    assert ann["Meeting"]["MeetingId"] == twin["Meeting"]["MeetingId"] != bob["Meeting"]["MeetingId"]
    assert ann["Attendee"]["AttendeeId"] != twin["Attendee"]["AttendeeId"]
    assert ann["Attendee"]["ExternalUserId"].split("#")[0] == "Ann"
    assert bob["Attendee"]["ExternalUserId"].split("#")[0] == "Bob"
    for each in joined:
        with Signaling(each["Meeting"], each["Attendee"]["JoinToken"]) as one:
            one.join()
    meetings = Clients(server).meetings
    meetings.delete_meeting(MeetingId=ann["Meeting"]["MeetingId"])
    again = json.loads(join(server, {"Room": "den", "Name": "Ann"})[2])
    assert again["Meeting"]["MeetingId"] != ann["Meeting"]["MeetingId"], "a room whose meeting has ended gets another"


def test_what_is_no_join_is_refused_and_makes_no_meeting(launch):
    server = launch(env={"CHIME_QUOTAS__ACTIVE_MEETINGS": "1"})
    wrong = [b"", b"[]", b"{}", b"\xff", {"Room": "hall"}, {"Name": "Ann"}, {"Room": 1, "Name": "Ann"},
             {"Room": "x" * 64, "Name": "Ann"}, {"Room": "hall", "Name": "Ann", "More": "x" * 5000}]
    for what in wrong:
        assert join(server, what)[0] == 400, what
    for kind in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert join(server, headers={"Content-Type": kind})[0] == 400, kind
    assert ask(server, "GET", JOIN)[0] == 405
    assert join(server, headers={"Origin": "https://app.test"})[0] == 404
    assert create(Clients(server).meetings), "there is room for the one meeting still"
    assert join(server)[0] == 400, "and the page's meetings count as others do"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "127.3.2.1:9", "[::1]:{port}",
                                  "app.localhost"])
def test_local_admits_browsers_on_this_machine_by_each_of_its_names(server, host):
    assert admits(server, headers={"Host": host.format(port=server.port)})


@pytest.mark.parametrize("host", ["chime.test", "localhost.chime.test", "127.0.0.1.chime.test", "192.0.2.7:{port}",
                                  "notlocalhost", "[2001:db8::1]", "", "0.0.0.0", "127.0.0.1@chime.test",
                                  "localhost, chime.test"])
def test_local_admits_no_request_for_another_name_so_that_no_page_is_rebound_to_it(server, host):
    assert not admits(server, headers={"Host": host.format(port=server.port)})


@pytest.mark.parametrize("header", [
    {"X-Forwarded-For": "127.0.0.1"}, {"x-forwarded-for": ""}, {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Anything": "1"}, {"Forwarded": "for=127.0.0.1"}])
def test_local_admits_nothing_that_was_forwarded_whatever_it_says(server, header):
    assert not admits(server, headers=header)


def test_local_takes_the_name_of_a_request_for_a_proxy_from_its_target(server):
    """The host that is asked for is the one in the target, not the one of the header."""
    for asked, host, status in (("chime.test", "localhost", 404), ("localhost", "chime.test", 200)):
        assert ask(server, "GET", PAGE, target=f"http://{asked}{PAGE}", headers={"Host": host})[0] == status


def test_a_join_is_refused_to_pages_of_other_origins(server):
    here = f"127.0.0.1:{server.port}"
    for origin in ("https://app.test", "null", "", f"http://localhost:{server.port}", "http://127.0.0.1",
                   f"http://127.0.0.1:{server.https_port}", here, f"http://{here}.app.test", f"http://{here}/",
                   f"http://user@{here}"):
        status, _, body = join(server, headers={"Origin": origin})
        assert status == 404 and b"JoinToken" not in body, origin
    assert join(server, headers={"Origin": f"http://{here}"})[0] == 200
    asking = {"Origin": "https://app.test", "Access-Control-Request-Method": "POST",
              "Access-Control-Request-Headers": "content-type"}
    assert ask(server, "OPTIONS", JOIN, headers=asking)[0] == 405, "no other page is told that it may send JSON"


def test_local_admits_nobody_who_comes_from_elsewhere(everywhere):
    server = everywhere("local")
    far = outward()
    assert not admits(server, address=far, headers={"Host": "localhost"})
    assert not admits(server, address=far, headers={"Host": f"{far}:{server.port}"})
    assert admits(server)


def test_on_admits_everybody_from_everywhere_but_no_pages_of_other_origins(everywhere):
    server = everywhere("on")
    far = f"{outward()}:{server.port}"
    assert admits(server, address=outward(), headers={"Host": far})
    assert admits(server, headers={"Host": "chime.test", "X-Forwarded-For": "198.51.100.7"})
    assert join(server, headers={"Host": "chime.test", "Origin": "https://chime.test"})[0] == 200
    assert join(server, headers={"Host": "chime.test", "Origin": "https://app.test"})[0] == 404


def test_off_admits_nobody(launch):
    server = launch(env={"CHIME_DEMO": "off"})
    assert not admits(server)
    assert not admits(server, headers={"Host": "localhost"})
