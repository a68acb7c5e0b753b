"""TURN sessions over HTTP, as mobile SDKs and old browser SDKs ask for them, and what else `MediaPlacement` names."""

import asyncio
import http.client
import json
import time
from urllib.parse import urlsplit

import aioice
import pytest
from aioice import turn

from harness import signals
from harness.clients import Clients
from harness.conference import NOBODY, attend, create
from harness.server import ChimeServer
from harness.signaling import Signaling

HEADER, PREFIX = "X-Chime-Auth-Token", "_aws_wt_session="


@pytest.fixture(scope="module")
def relaying(tmp_path_factory):
    """A server whose clients are told to use its relay."""
    running = ChimeServer(tmp_path_factory.mktemp("relaying") / "data", env={"CHIME_MEDIA_RELAY": "udp,tcp"}).start()
    yield running
    running.stop()
    assert not running.panicked(), running.panicked()


def ask(server, url, body=None, token=None, method="POST", headers=None):
    """`(status, headers, object)`."""
    url = urlsplit(url)
    head = {"Content-Type": "application/json", **({HEADER: token} if token is not None else {}), **(headers or {})}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        path = url.path + (f"?{url.query}" if url.query else "")
        connection.request(method, path, body=body, headers={"Host": url.netloc, **head})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None
    finally:
        connection.close()


def turn_session(server, meeting, attendee, suffix="", **more):
    """What a client asks, with the version that browsers add to the URL."""
    url = meeting["MediaPlacement"]["TurnControlUrl"] + "?X-Amzn-Version=2.31.0&X-Amzn-User-Agent=chrome-120"
    body = json.dumps({"meetingId": meeting["MeetingId"]})
    return ask(server, url, body, PREFIX + attendee["JoinToken"] + suffix, **more)


async def allocate(uri, username, password):
    """Where the relay at a URI allocates an address."""
    scheme, _, rest = uri.partition(":")
    place, _, transport = rest.partition("?transport=")
    host, port = place.rsplit(":", 1)
    made, protocol = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol, server_addr=(host, int(port)), username=username, password=password,
        transport=transport, ssl=scheme == "turns")
    relayed = made.get_extra_info("sockname")
    made.close()
    await asyncio.sleep(0)
    return relayed


def test_the_credentials_of_a_turn_session_allocate_a_relay(relaying):
    meetings = Clients(relaying).meetings
    made = create(meetings)
    alice = attend(meetings, made)
    status, headers, told = turn_session(relaying, made, alice, headers={"Origin": "https://app.test"})
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert headers["access-control-allow-origin"] == "*"
    assert set(told) == {"username", "password", "ttl", "uris"}
    assert isinstance(told["ttl"], int) and told["ttl"] == 12 * 3600
    assert [uri.partition("?")[2] for uri in told["uris"]] == ["transport=udp", "transport=tcp"]
    until, _, name = told["username"].partition(":")
    assert name == alice["AttendeeId"] and abs(int(until) - time.time() - told["ttl"]) < 60
    for uri in told["uris"]:
        host, port = asyncio.run(allocate(uri, told["username"], told["password"]))
        assert host == "127.0.0.1" and port >= 1024, uri
    with pytest.raises(aioice.stun.TransactionFailed):
        asyncio.run(allocate(told["uris"][0], told["username"], told["password"][:-1]))


def test_a_turn_session_is_what_join_ack_tells(relaying):
    meetings = Clients(relaying).meetings
    made = create(meetings)
    alice = attend(meetings, made)
    with Signaling(made, alice["JoinToken"]) as one:
        one.ask_to_join()
        _, fields = one.frame(signals.JOIN_ACK)
    joined = signals.decode(signals.decode(fields[5][0])[1][0])
    _, _, told = turn_session(relaying, made, alice)
    assert [uri.decode() for uri in joined[4]] == told["uris"] and joined[3] == [told["ttl"]]
    _, _, content = turn_session(relaying, made, alice, "#content")
    assert content["username"].endswith(f":{alice['AttendeeId']}#content")


def test_without_a_relay_there_is_a_session_without_uris(server, root):
    made = create(root.meetings)
    status, _, told = turn_session(server, made, attend(root.meetings, made))
    assert (status, told) == (200, {"username": "", "password": "", "ttl": 0, "uris": []})


def test_turn_sessions_are_refused_with_typed_errors(relaying):
    meetings = Clients(relaying).meetings
    made, other = create(meetings), create(meetings)
    alice, mallory, gone = attend(meetings, made), attend(meetings, other), attend(meetings, made)
    meetings.delete_attendee(MeetingId=made["MeetingId"], AttendeeId=gone["AttendeeId"])
    url, token = made["MediaPlacement"]["TurnControlUrl"], alice["JoinToken"]
    right = json.dumps({"meetingId": made["MeetingId"]})
    forged = token[:-1] + ("1" if token.endswith("0") else "0")

    def refused(body, header):
        status, headers, answer = ask(relaying, url, body, header)
        assert headers["x-amzn-errortype"] == answer["Code"] + "Exception" and answer["Message"]
        assert token not in json.dumps(answer)
        return status, answer["Code"]

    for header in (None, "", PREFIX, token, "_aws_wt_session:" + token):
        assert refused(right, header) == (401, "Unauthorized"), header
    for bad in (forged, mallory["JoinToken"], gone["JoinToken"], "x", token + "#screen", "ä"):
        assert refused(right, PREFIX + bad)[0] in ({401} if bad == "ä" else {403}), bad
    for body in ("", "{}", "[]", "null", '{"meetingId": 7}', "\x00"):
        assert refused(body, PREFIX + token) == (400, "BadRequest"), body
    for nowhere in (NOBODY, "x" * 300, ""):
        assert refused(json.dumps({"meetingId": nowhere}), PREFIX + token) == (404, "NotFound"), nowhere
    assert refused("x" * 5000, PREFIX + token)[0] == 413
    meetings.delete_meeting(MeetingId=made["MeetingId"])
    assert refused(right, PREFIX + token) == (404, "NotFound")
    assert ask(relaying, url, None, PREFIX + token, method="GET")[0] == 405
    log = relaying.log_path.read_text(errors="replace")
    assert not any(each["JoinToken"] in log for each in (alice, mallory, gone))


def test_pages_of_any_origin_may_ask_for_turn_sessions(server):
    status, headers, _ = ask(server, f"http://127.0.0.1:{server.port}/v2/turn_sessions", method="OPTIONS", headers={
        "Origin": "https://app.test", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-chime-auth-token"})
    assert status == 204 and headers["access-control-allow-origin"] == "*"
    assert {"content-type", "x-chime-auth-token"} <= set(headers["access-control-allow-headers"].split(", "))


@pytest.mark.parametrize("name", ["AudioFallbackUrl", "ScreenDataUrl", "ScreenSharingUrl", "ScreenViewingUrl"])
def test_urls_of_unpublished_protocols_say_that_nothing_is_there(server, root, name):
    made = create(root.meetings)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for method, headers in (("GET", upgrade), ("GET", {}), ("POST", {})):
        status, told, answer = ask(server, made["MediaPlacement"][name], method=method, headers=headers)
        assert (status, answer["Code"]) == (404, "UnknownOperation"), method
        assert told["x-amzn-errortype"] == "UnknownOperationException" and "SignalingUrl" in answer["Message"]
