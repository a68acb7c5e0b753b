"""What clients of meetings ask of the server beside the API: placement, the nearest region, and what they tell."""

import http.client
import json
import ssl
import time

import pytest

from harness.clients import ACCESS_DENIED, Clients, Keys, send
from harness.conference import NOBODY, attend, create

PROBE = "/nearest-media-region"


@pytest.fixture
def meetings(root):
    return root.meetings


def ask(server, path, host=None, headers=None, method="GET", body=None):
    """One unsigned request with this host: `(status, headers, object)`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers={"Host": host or f"127.0.0.1:{server.port}",
                                                             **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None
    finally:
        connection.close()


def test_mtg_02_pages_on_localhost_get_plain_urls_and_others_secure_ones(server, meetings):
    urls = create(meetings)["MediaPlacement"]
    here = f"127.0.0.1:{server.port}"
    assert urls["SignalingUrl"].startswith(f"ws://{here}/control/")
    assert urls["EventIngestionUrl"].startswith(f"http://{here}/events/")
    assert urls["TurnControlUrl"] == f"http://{here}/v2/turn_sessions"
    body = json.dumps({"ClientRequestToken": "a-token-of-this-test", "ExternalMeetingId": "ab",
                       "MediaRegion": "us-east-1"}).encode()
    answer = send(server, "POST", "/meetings", body, host="meetings-chime.test").json["Meeting"]
    urls, secure = answer["MediaPlacement"], f"127.0.0.1:{server.https_port}"
    assert urls["SignalingUrl"] == f"wss://{secure}/control/{answer['MeetingId']}"
    assert urls["EventIngestionUrl"] == f"https://{secure}/events/{answer['MeetingId']}"
    assert urls["TurnControlUrl"].startswith(f"https://{secure}/")
    for name in ("AudioFallbackUrl", "ScreenDataUrl", "ScreenViewingUrl", "ScreenSharingUrl"):
        assert urls[name].startswith(f"wss://{secure}/"), name
    assert "?" not in urls["SignalingUrl"], "clients append a query of their own"


def test_mtg_02_the_audio_host_is_the_public_address_of_the_media_or_where_they_listen(launch, server, meetings):
    assert create(meetings)["MediaPlacement"]["AudioHostUrl"] == f"127.0.0.1:{server.media_port}"
    named = launch(env={"CHIME_PUBLIC_HOST": "chime.test"})
    assert create(Clients(named).meetings)["MediaPlacement"]["AudioHostUrl"] == f"chime.test:{named.media_port}"
    behind = launch(env={"CHIME_MEDIA_PUBLIC": "192.0.2.7"})
    assert create(Clients(behind).meetings)["MediaPlacement"]["AudioHostUrl"] == f"192.0.2.7:{behind.media_port}"


def test_mtg_23_the_nearest_region_is_told_to_every_page_unsigned(server):
    status, headers, answer = ask(server, PROBE, headers={"Origin": "https://app.test"})
    assert (status, answer) == (200, {"region": "us-east-1"})
    assert headers["access-control-allow-origin"] == "*" and headers["content-type"] == "application/json"


@pytest.mark.parametrize("host", ["nearest-media-region.l.chime.aws", "nearest-media-region.1.chime.aws",
                                  "Nearest-Media-Region.L.chime.aws:80"])
def test_mtg_24_the_host_of_the_probe_is_known_in_both_spellings(server, host):
    assert ask(server, "/", host)[::2] == (200, {"region": "us-east-1"})
    assert ask(server, "/", "chime.test")[0] == 404, "at the root of another host there is nothing"


def test_mtg_24_host_path_and_regions_of_the_probe_are_configured(launch):
    server = launch(env={"CHIME_REGIONS": "eu-central-1=10.0.0.0/8,ap-south-1", "CHIME_NEAREST_REGION_PATH": "/near",
                         "CHIME_NEAREST_REGION_HOSTS": "near.test"})
    assert ask(server, "/near")[2] == ask(server, "/", "near.test")[2] == {"region": "ap-south-1"}
    assert ask(server, PROBE)[0] == 404
    assert ask(server, "/", "nearest-media-region.l.chime.aws")[0] == 404


def told(*names):
    return {"metadata": {"sdkName": "amazon-chime-sdk-js"},
            "events": [{"type": "Meet", "v": 1, "payloads": [{"name": name, "ts": 1} for name in names]}]}


def tell(server, meeting, body, token=None, query=""):
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(server, f"/events/{meeting['MeetingId']}{query}", headers=headers, method="POST", body=data)[0]


def kept(server, meeting, **signing):
    return send(server, "GET", f"/_chime/meetings/{meeting['MeetingId']}/client-events", **signing)


def count(server, name):
    line = f'chime_client_events_total{{event="{name}"}} '
    return next((int(each[len(line):]) for each in server.metrics().splitlines() if each.startswith(line)), 0)


def test_what_clients_tell_is_counted_and_kept_for_the_owner(server, meetings):
    made = create(meetings)
    alice = attend(meetings, made)
    before = count(server, "meetingEnded"), count(server, "other")
    assert tell(server, made, told("meetingEnded", "my own event"), alice["JoinToken"]) == 200
    beacon = {**told("meetingFailed"), "authorization": alice["JoinToken"]}
    assert tell(server, made, beacon, query="?beacon=1") == 200
    assert (count(server, "meetingEnded"), count(server, "other")) == (before[0] + 1, before[1] + 1)
    events = kept(server, made).json["Events"]
    assert [each["Event"]["payload"]["name"] for each in events] == ["meetingEnded", "my own event", "meetingFailed"]
    assert {each["AttendeeId"] for each in events} == {alice["AttendeeId"]}
    assert events[0]["Event"]["metadata"]["sdkName"] == "amazon-chime-sdk-js"
    assert alice["JoinToken"] not in json.dumps(events)


def test_what_is_told_with_no_token_or_that_of_another_meeting_is_refused(server, meetings):
    made, other = create(meetings), create(meetings)
    alice, mallory = attend(meetings, made), attend(meetings, other)
    forged = alice["JoinToken"][:-1] + ("1" if alice["JoinToken"].endswith("0") else "0")
    for token in (None, "", "x" * 96, mallory["JoinToken"], forged):
        assert tell(server, made, told("meetingEnded"), token) == 403, token
    for body in (b"", b"[]", b'{"events": 3}', b"\xff\xfe"):
        assert tell(server, made, body, alice["JoinToken"]) == 400, body
    assert tell(server, {"MeetingId": "no-meeting"}, told("meetingEnded"), alice["JoinToken"]) == 403
    assert tell(server, made, b"x" * (129 * 1024), alice["JoinToken"]) == 413
    assert kept(server, made).json["Events"] == []


def test_what_is_told_after_the_end_of_a_meeting_is_kept_too(server, meetings):
    made = create(meetings)
    alice = attend(meetings, made)
    meetings.delete_meeting(MeetingId=made["MeetingId"])
    assert tell(server, made, told("meetingEnded"), alice["JoinToken"]) == 200
    assert len(kept(server, made).json["Events"]) == 1


def test_only_the_owner_reads_what_clients_told(root, server, meetings):
    made = create(meetings)
    root.iam.create_user(UserName="reader-of-events")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    root.iam.put_user_policy(UserName="reader-of-events", PolicyName="p", PolicyDocument=json.dumps(document))
    keys = Keys.of(root.iam.create_access_key(UserName="reader-of-events")["AccessKey"])
    answer = kept(server, made, keys=keys)
    assert (answer.status, answer.error) == ACCESS_DENIED
    assert ask(server, f"/_chime/meetings/{made['MeetingId']}/client-events")[0] == 403
    assert kept(server, {"MeetingId": "x"}).status == 400
    assert kept(server, {"MeetingId": NOBODY}).json == {"Events": []}


def test_pages_of_any_origin_may_tell(server, meetings):
    made = create(meetings)
    status, headers, _ = ask(server, f"/events/{made['MeetingId']}", method="OPTIONS", headers={
        "Origin": "https://app.test", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization"})
    assert status == 204 and headers["access-control-allow-origin"] == "*"
    assert "authorization" in headers["access-control-allow-headers"]
    assert "POST" in headers["access-control-allow-methods"]


def test_med_01_the_same_answers_come_over_tls_with_the_local_authority(server, meetings):
    trusted = ssl.create_default_context(cafile=server.ca)
    connection = http.client.HTTPSConnection("localhost", server.https_port, context=trusted, timeout=10)
    connection.request("GET", PROBE)
    assert json.loads(connection.getresponse().read()) == {"region": "us-east-1"}
    connection.close()
    secure = Clients(server, endpoint=f"https://localhost:{server.https_port}", verify=str(server.ca)).meetings
    urls = create(secure)["MediaPlacement"]
    assert urls["SignalingUrl"].startswith("wss://") and urls["EventIngestionUrl"].startswith("https://")


def test_join_tokens_do_not_appear_in_the_log(server, meetings):
    made = create(meetings)
    alice = attend(meetings, made)
    tell(server, made, told("meetingEnded"), alice["JoinToken"])
    tell(server, made, told("meetingEnded"), alice["JoinToken"] + "0")
    time.sleep(0.2)
    assert alice["JoinToken"] not in server.log_path.read_text(errors="replace")
