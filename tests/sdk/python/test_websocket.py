"""The messaging WebSocket: rules WEB-* and wire.md section 10."""

import datetime
import http.client
import json
import socket
import time
import uuid

import pytest

from harness import clock
from harness.clients import Clients, Keys, presign
from harness.sockets import Socket, connect_url, open_socket
from harness.world import World


@pytest.fixture
def cast(world):
    """Alice owns, bob is a member, carol is not."""
    return world.users("alice", "bob", "carol")


@pytest.fixture
def channel(world, cast):
    arn = world.channel(cast[0], privacy="PRIVATE")
    world.join(arn, cast[1], cast[0])
    return arn


# Connecting

def test_web_01_the_endpoint_is_a_bare_connectable_host_and_port(server, root):
    url = root.messaging.get_messaging_session_endpoint()["Endpoint"]["Url"]
    assert "://" not in url and "/" not in url
    host, _, port = url.partition(":")
    assert int(port or 443) == server.https_port
    assert host in ("127.0.0.1", "localhost")


def test_web_01_and_s_08_a_session_over_wss_at_that_endpoint_is_established(server, root, cast):
    url = root.messaging.get_messaging_session_endpoint()["Endpoint"]["Url"]
    signed = presign(f"https://{url}/connect", root.keys, params={"sessionId": "s1", "userArn": cast[0]})
    started = time.monotonic()
    with Socket("wss" + signed[len("https"):], ca=server.ca, established=False) as opened:
        first = opened.frame(2)
        assert time.monotonic() - started < 1.5
        assert first.headers == {"x-amz-chime-event-type": "SESSION_ESTABLISHED",
                                 "x-amz-chime-message-type": "SYSTEM"}
        assert first.payload == {}


def test_s_02_a_plain_socket_on_loopback_is_established_too(server, cast, sockets):
    sockets(server, cast[0])


def test_s_05_the_handshake_names_no_subprotocol_and_any_origin_may_connect(server, cast):
    from websockets.sync.client import connect

    with connect(connect_url(server, cast[0]), origin="http://elsewhere.example", compression=None,
                 proxy=None) as raw:
        assert raw.response.headers.get("Sec-WebSocket-Protocol") is None
        raw.recv(2)


def refused(server, url):
    with Socket(url, established=False) as opened:
        return opened.closed_with(3)


def test_web_10_and_s_06_a_bad_signature_completes_the_handshake_and_closes_with_4401(server, cast):
    url = connect_url(server, cast[0])
    good = url.split("X-Amz-Signature=")[1][:8]
    assert refused(server, url.replace(good, "00000000")) == 4401
    assert refused(server, connect_url(server, cast[0], Keys(server.root[0], "x" * 40))) == 4401
    assert refused(server, connect_url(server, cast[0], Keys("AKIAUNKNOWNUNKNOWN00", "x" * 40))) == 4401


def test_web_02_and_14_an_unsigned_or_incomplete_request_is_closed_with_4401_or_4003(server, cast):
    bare = f"ws://127.0.0.1:{server.port}/connect"
    assert refused(server, bare) == 4401
    assert refused(server, f"{bare}?sessionId=a&userArn={cast[0]}") == 4401
    no_user = presign(bare.replace("ws", "http", 1), Keys(*server.root), params={"sessionId": "s"})
    assert refused(server, no_user.replace("http", "ws", 1)) in (4401, 4003)
    no_session = presign(bare.replace("ws", "http", 1), Keys(*server.root), params={"userArn": cast[0]})
    assert refused(server, no_session.replace("http", "ws", 1)) in (4401, 4003)


def test_web_03_and_04_another_algorithm_or_service_is_closed_with_4401(server, cast):
    url = connect_url(server, cast[0])
    assert refused(server, url.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")) == 4401
    assert refused(server, connect_url(server, cast[0], service="s3")) == 4401


def test_web_06_an_expired_url_is_closed_with_4401(server, cast):
    clock.set_signing_offset(-(10 + 5 * 60 + 30))
    try:
        url = connect_url(server, cast[0], expires=10)
    finally:
        clock.set_signing_offset(0)
    assert refused(server, url) == 4401


def test_web_05_the_date_of_the_garbled_text_is_not_understood(server, cast):
    """The text prints yyyyMMddTHH:mm:ssZ; the example and every client send yyyyMMddTHHmmssZ."""
    url = connect_url(server, cast[0])
    date = url.split("X-Amz-Date=")[1][:16]
    garbled = f"{date[:11]}%3A{date[11:13]}%3A{date[13:]}"
    assert refused(server, url.replace(date, garbled)) == 4401


@pytest.mark.parametrize("real, printed", [("X-Amz-SignedHeaders", "X-Amz-Signed-Headers"),
                                           ("X-Amz-Signature", "X-Amz-Signatures")])
def test_web_07_the_printed_headings_are_not_parameter_names(server, cast, real, printed):
    assert refused(server, connect_url(server, cast[0]).replace(real + "=", printed + "=")) == 4401


def test_web_08_a_signed_header_that_is_sent_is_verified(server, cast):
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    base = f"http://127.0.0.1:{server.port}/connect"
    request = AWSRequest("GET", base, params={"sessionId": "s", "userArn": cast[0]}, headers={"x-amz-note": "one"})
    SigV4QueryAuth(Keys(*server.root).botocore(), "chime", "us-east-1", expires=10).add_auth(request)
    url = request.url.replace("http", "ws", 1)
    assert "x-amz-note" in url
    for note, good in (("one", True), ("two", False)):
        with connect(url, additional_headers={"x-amz-note": note}, compression=None, proxy=None) as raw:
            if good:
                assert "SESSION_ESTABLISHED" in raw.recv(3)
            else:
                with pytest.raises(ConnectionClosed) as closed:
                    raw.recv(3)
                assert closed.value.rcvd.code == 4401


def test_web_09_a_session_id_with_characters_that_need_encoding_is_taken(server, cast, sockets):
    sockets(server, cast[0], session="a b+c/d=e&f%\u2603")


def test_web_11_a_session_token_is_needed_with_sts_credentials_and_accepted(server, root, cast):
    account = root.sts.get_caller_identity()["Account"]
    name = f"Socket-{uuid.uuid4().hex[:8]}"
    role = root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}]}))["Role"]["Arn"]
    root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "chime:Connect", "Resource": cast[0]}]}))
    keys = Keys.of(root.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"])
    open_socket(server, cast[0], keys).close()
    assert refused(server, connect_url(server, cast[0], Keys(keys.access_key, keys.secret_key))) == 4401


def test_web_13_a_user_who_does_not_exist_is_refused(server, world):
    assert refused(server, connect_url(server, world.arn("nobody"))) in (4003, 4401)
    assert refused(server, connect_url(server, "not an arn")) in (4003, 4401)


def test_s_06_a_get_that_is_no_upgrade_is_a_400_or_426(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/connect")
    assert connection.getresponse().status in (400, 426)
    connection.close()


def test_web_15_the_eleventh_connection_is_closed_with_4003_and_the_ten_stay(server, world, cast, channel, sockets):
    ten = [sockets(server, cast[1]) for _ in range(10)]
    assert refused(server, connect_url(server, cast[1])) == 4003
    world.send(channel, cast[0], "to all ten")
    assert [each.frame().payload["Content"] for each in ten] == ["to all ten"] * 10
    sockets(server, cast[0])
    ten[0].close()
    time.sleep(0.3)
    sockets(server, cast[1])


def test_app_19_and_20_the_number_of_connections_is_adjustable(launch):
    server = launch(database="memory:", env={"CHIME_QUOTAS__CONNECTIONS_PER_USER": "2"})
    alice = World(Clients(server)).user("alice")
    with open_socket(server, alice), open_socket(server, alice):
        assert refused(server, connect_url(server, alice)) == 4003


def test_web_12_the_same_session_id_replaces_the_first_connection(server, world, cast, channel, sockets):
    session = str(uuid.uuid4())
    first = sockets(server, cast[1], session=session)
    second = sockets(server, cast[1], session=session)
    first.closed_with(3)
    world.send(channel, cast[0], "once")
    assert second.frame().payload["Content"] == "once"


def test_web_12_one_users_session_id_does_not_replace_another_users(server, cast, sockets):
    session = str(uuid.uuid4())
    first = sockets(server, cast[0], session=session)
    sockets(server, cast[1], session=session)
    assert first.silent()
    first.raw.ping().wait(2)


# Delivery

def test_web_16_and_19_a_member_gets_the_message_in_the_documented_envelope(server, world, cast, channel, sockets):
    bob = sockets(server, cast[1])
    message = world.send(channel, cast[0], "hello \u2603", Metadata="m")
    frame = bob.frame()
    assert frame.headers == {"x-amz-chime-event-type": "CREATE_CHANNEL_MESSAGE",
                             "x-amz-chime-message-type": "STANDARD"}
    payload = frame.payload
    assert (payload["ChannelArn"], payload["MessageId"], payload["Content"], payload["Metadata"]) == (
        channel, message, "hello \u2603", "m")
    assert (payload["Type"], payload["Persistence"], payload["Redacted"]) == ("STANDARD", "PERSISTENT", False)
    assert payload["Sender"] == {"Arn": cast[0], "Name": "alice"}
    created = clock.parse_time(payload["CreatedTimestamp"])
    assert isinstance(payload["CreatedTimestamp"], str), "ISO 8601 in socket payloads (wire.md TS-07)"
    assert abs((datetime.datetime.now(datetime.timezone.utc) - created).total_seconds()) < 60


def test_web_16_messages_of_all_the_users_channels_arrive(server, world, cast, sockets):
    bob = sockets(server, cast[1])
    arns = [world.channel(cast[0], MemberArns=[cast[1]]) for _ in range(3)]
    for _ in arns:
        bob.until("CREATE_CHANNEL_MEMBERSHIP")
    for arn in arns:
        world.send(arn, cast[0])
    assert [bob.until("CREATE_CHANNEL_MESSAGE").payload["ChannelArn"] for _ in arns] == arns


def test_chn_16_and_web_16_moderators_admins_and_strangers_who_are_no_members_get_nothing(
        server, world, cast, sockets):
    public = world.channel(cast[0], privacy="PUBLIC")
    world.moderator(public, cast[2], cast[0])
    watchers = [sockets(server, each) for each in (cast[1], cast[2], world.admin())]
    world.send(public, cast[0])
    assert [each.silent(0.5) for each in watchers] == [True] * 3


def test_web_17_delivery_starts_with_the_membership_without_a_reconnect(server, world, cast, channel, sockets):
    carol = sockets(server, cast[2])
    world.send(channel, cast[0], "before")
    assert carol.silent(0.5) is True
    world.join(channel, cast[2], cast[0])
    frame = carol.frame()
    assert (frame.event, frame.payload["Member"]["Arn"]) == ("CREATE_CHANNEL_MEMBERSHIP", cast[2])
    world.send(channel, cast[0], "after")
    assert carol.frame().payload["Content"] == "after"


def test_web_17_delivery_ends_with_the_membership(server, world, cast, channel, sockets):
    bob = sockets(server, cast[1])
    world.leave(channel, cast[1], cast[0])
    assert bob.frame().event == "DELETE_CHANNEL_MEMBERSHIP"
    world.send(channel, cast[0])
    assert bob.silent() is True


def test_web_18_and_33_every_connection_of_sender_and_receiver_gets_each_event(server, world, cast, channel, sockets):
    everyone = [sockets(server, each) for each in (cast[0], cast[0], cast[1], cast[1])]
    world.send(channel, cast[0], "to all")
    assert [each.frame().payload["Content"] for each in everyone] == ["to all"] * 4


def test_web_20_and_21_control_messages_are_marked_and_non_persistent_ones_delivered(server, world, cast, channel,
                                                                                   sockets):
    bob = sockets(server, cast[1])
    world.send(channel, cast[0], "typing", type="CONTROL", persistence="NON_PERSISTENT")
    frame = bob.frame()
    assert (frame.event, frame.type) == ("CREATE_CHANNEL_MESSAGE", "CONTROL")
    assert (frame.payload["Content"], frame.payload["Persistence"]) == ("typing", "NON_PERSISTENT")


def test_web_23_no_event_carries_its_name_under_the_header_that_the_guide_prints_once(
        server, world, cast, channel, sockets):
    alice = sockets(server, cast[0])
    message = world.send(channel, cast[0])
    world.messaging.redact_channel_message(ChannelArn=channel, MessageId=message, ChimeBearer=cast[0])
    world.messaging.update_channel(ChannelArn=channel, Name="new", Mode="RESTRICTED", ChimeBearer=cast[0])
    world.join(channel, cast[2], cast[0])
    world.leave(channel, cast[2], cast[0])
    world.messaging.delete_channel(ChannelArn=channel, ChimeBearer=cast[0])
    frames = alice.frames(6)
    assert {frame.event for frame in frames} == {
        "CREATE_CHANNEL_MESSAGE", "REDACT_CHANNEL_MESSAGE", "UPDATE_CHANNEL", "CREATE_CHANNEL_MEMBERSHIP",
        "DELETE_CHANNEL_MEMBERSHIP", "DELETE_CHANNEL"}
    for frame in frames:
        assert "x-amz-event-type" not in frame.headers
        assert set(frame.headers) <= {"x-amz-chime-event-type", "x-amz-chime-message-type",
                                      "x-amz-chime-membership-type"}


def test_web_24_edits_redactions_and_deletions_carry_the_message_and_its_own_type(server, world, cast, channel,
                                                                               sockets):
    admin = world.admin()
    bob = sockets(server, cast[1])
    message = world.send(channel, cast[0], "first")
    of = {"ChannelArn": channel, "MessageId": message}
    world.messaging.update_channel_message(Content="second", ChimeBearer=cast[0], **of)
    world.messaging.redact_channel_message(ChimeBearer=cast[0], **of)
    world.messaging.delete_channel_message(ChimeBearer=admin, **of)
    created, updated, redacted, deleted = bob.frames(4)
    assert [each.event for each in (created, updated, redacted, deleted)] == [
        "CREATE_CHANNEL_MESSAGE", "UPDATE_CHANNEL_MESSAGE", "REDACT_CHANNEL_MESSAGE", "DELETE_CHANNEL_MESSAGE"]
    assert {each.type for each in (created, updated, redacted, deleted)} == {"STANDARD"}
    assert {each.payload["MessageId"] for each in (created, updated, redacted, deleted)} == {message}
    assert updated.payload["Content"] == "second" and updated.payload["LastEditedTimestamp"]
    assert redacted.payload["Redacted"] is True and not redacted.payload.get("Content")


def test_web_25_and_27_a_changed_channel_is_announced_as_a_system_message(server, world, cast, channel, sockets):
    bob = sockets(server, cast[1])
    world.messaging.update_channel(ChannelArn=channel, Name="renamed", Mode="RESTRICTED", Metadata="new",
                                   ChimeBearer=cast[0])
    frame = bob.frame()
    assert frame.headers == {"x-amz-chime-event-type": "UPDATE_CHANNEL", "x-amz-chime-message-type": "SYSTEM"}
    assert (frame.payload["ChannelArn"], frame.payload["Name"], frame.payload["Metadata"]) == (
        channel, "renamed", "new")


def test_web_28_and_31_a_deleted_channel_is_announced_to_its_members_only(server, world, cast, channel, sockets):
    alice, bob, carol = (sockets(server, each) for each in cast)
    world.messaging.delete_channel(ChannelArn=channel, ChimeBearer=cast[0])
    for member in (alice, bob):
        frame = member.frame()
        assert (frame.event, frame.type, frame.payload["ChannelArn"]) == ("DELETE_CHANNEL", "SYSTEM", channel)
    assert carol.silent(0.5) is True
    assert bob.silent(0.3) is True


def test_web_22_26_29_30_memberships_are_announced_with_their_type(server, world, cast, channel, sockets):
    alice, bob, carol = (sockets(server, each) for each in cast)
    world.join(channel, cast[2], cast[0])
    for each in (alice, bob, carol):
        frame = each.frame()
        assert frame.headers == {"x-amz-chime-event-type": "CREATE_CHANNEL_MEMBERSHIP",
                                 "x-amz-chime-message-type": "SYSTEM", "x-amz-chime-membership-type": "DEFAULT"}
        assert frame.payload["Member"] == {"Arn": cast[2], "Name": "carol"}
        assert frame.payload["InvitedBy"]["Arn"] == cast[0]
        assert frame.payload["ChannelArn"] == channel
    world.leave(channel, cast[2], cast[0])
    for each in (alice, bob, carol):
        frame = each.frame()
        assert frame.event == "DELETE_CHANNEL_MEMBERSHIP"
        assert frame.headers["x-amz-chime-membership-type"] == "DEFAULT"
        assert frame.payload["Member"]["Arn"] == cast[2]


def test_chn_10_a_hidden_member_receives_and_is_not_announced_to_others(server, world, cast, channel, sockets):
    bob, carol = sockets(server, cast[1]), sockets(server, cast[2])
    world.join(channel, cast[2], cast[0], type="HIDDEN")
    world.send(channel, cast[0], "seen by the hidden one")
    assert carol.until("CREATE_CHANNEL_MESSAGE").payload["Content"] == "seen by the hidden one"
    assert bob.frame().event == "CREATE_CHANNEL_MESSAGE"


def test_web_32_bans_moderators_and_read_markers_are_silent_but_a_ban_removes_the_member(server, world, cast, channel,
                                                                                       sockets):
    alice = sockets(server, cast[0])
    world.moderator(channel, cast[2], cast[0])
    world.messaging.delete_channel_moderator(ChannelArn=channel, ChannelModeratorArn=cast[2], ChimeBearer=cast[0])
    world.ban(channel, cast[2], cast[0])
    world.messaging.update_channel_read_marker(ChannelArn=channel, ChimeBearer=cast[1])
    assert alice.silent() is True
    world.ban(channel, cast[1], cast[0])
    frame = alice.frame()
    assert (frame.event, frame.payload["Member"]["Arn"]) == ("DELETE_CHANNEL_MEMBERSHIP", cast[1])


def test_web_34_events_arrive_in_commit_order_on_every_connection(server, world, cast, channel, sockets):
    watchers = [sockets(server, cast[1]), sockets(server, cast[0])]
    for n in range(100):
        world.send(channel, cast[n % 2], str(n))
    for each in watchers:
        assert [frame.payload["Content"] for frame in each.frames(100)] == [str(n) for n in range(100)]


def test_web_34_order_on_the_socket_is_the_order_of_the_list_with_parallel_senders(server, world, cast, channel,
                                                                                   sockets):
    from concurrent.futures import ThreadPoolExecutor

    bob = sockets(server, cast[1])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: world.send(channel, cast[0], str(n)), range(80)))
    arrived = [frame.payload["MessageId"] for frame in bob.frames(80, timeout=10)]
    listed = [each["MessageId"] for each in world.listed(channel, cast[0], SortOrder="ASCENDING")]
    assert arrived == listed


def test_web_35_and_s_10_frames_from_the_client_are_ignored_and_pings_answered(server, world, cast, channel, sockets):
    bob = sockets(server, cast[1])
    bob.raw.send("hello")
    bob.raw.send("{" * 1000)
    assert bob.raw.ping().wait(3)
    world.send(channel, cast[0], "still here")
    assert bob.frame().payload["Content"] == "still here"


def test_web_35_and_s_03_prefetch_sends_the_channel_list_after_the_session_is_established(server, world, cast, channel):
    world.send(channel, cast[0], "unread")
    with open_socket(server, cast[1], extra={"prefetch-on": "connect"}) as bob:
        frame = bob.frame(3)
        assert (frame.event, frame.type) == ("CHANNEL_DETAILS", "SYSTEM")
        assert channel in str(frame.payload), frame
        world.send(channel, cast[0], "live")
        assert bob.until("CREATE_CHANNEL_MESSAGE").payload["Content"] == "live"


@pytest.mark.parametrize("order", ["unread", "last-message-timestamp"])
def test_s_03_prefetch_takes_a_sort_order(server, cast, channel, order):
    with open_socket(server, cast[1], extra={"prefetch-on": "connect", "prefetch-sort-by": order}) as bob:
        assert channel in str(bob.frame(3).payload)


def test_s_03_the_browser_sdks_own_signed_parameters_are_accepted(server, cast):
    extra = {"X-Amzn-Version": "3.0.0", "X-Amzn-User-Agent": "a b/c"}
    open_socket(server, cast[0], extra=extra).close()


def test_web_35_and_s_07_a_planned_shutdown_closes_with_1001_or_1012(launch):
    server = launch(database="memory:")
    world = World(Clients(server))
    alice = open_socket(server, world.user("alice"))
    server.stop()
    assert alice.closed_with() in (1001, 1012)


def test_a_deleted_users_connections_are_closed(server, world, cast, sockets):
    bob = sockets(server, cast[1])
    world.identity.delete_app_instance_user(AppInstanceUserArn=cast[1])
    bob.closed_with(3)


def test_a_stopped_reader_does_not_hold_up_the_others(server, world, cast, channel, sockets):
    stopped = sockets(server, cast[1])
    stopped.raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    alice = sockets(server, cast[0])
    for n in range(300):
        world.send(channel, cast[0], f"{n} " + "x" * 4000)
        assert alice.frame().payload["Content"].startswith(f"{n} ")


def test_delivery_goes_on_for_connections_that_outlive_many_ping_periods(server, world, cast, channel, sockets):
    """The client library answers pings by itself; ten seconds must not end an idle connection."""
    bob = sockets(server, cast[1])
    time.sleep(10)
    world.send(channel, cast[0], "late")
    assert bob.frame().payload["Content"] == "late"
