"""Bad input and the shapes of errors: wire.md sections 1 to 4, and issue section 5 (never a 5xx, never HTML)."""

import datetime
import json
import re
import socket
import time

import pytest

from harness.clients import Clients, Keys, exchange, quoted, send, sign, token

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_typed(answer, status, name, short=None):
    """The whole error contract of E-01 and R-03."""
    assert answer.status == status, answer
    assert answer.error == name, answer
    assert answer.headers["Content-Type"] == "application/json", answer.headers.items()
    assert UUID.fullmatch(answer.headers["x-amzn-RequestId"])
    assert answer.headers["Date"]
    body = answer.json
    assert body["Message"]
    if short:
        assert body["Code"] == short, body
    return body


@pytest.fixture
def alice(world):
    return world.user("alice")


# Typed exceptions

def test_e_02_each_refusal_raises_the_modelled_exception_class(world, alice):
    api, bob = world.messaging, world.user("bob")
    channel = world.channel(alice, privacy="PRIVATE")
    with pytest.raises(api.exceptions.BadRequestException):
        world.send(channel, alice, "x" * 4097)
    with pytest.raises(api.exceptions.ForbiddenException):
        api.describe_channel(ChannelArn=channel, ChimeBearer=bob)
    with pytest.raises(api.exceptions.NotFoundException):
        api.describe_channel_membership(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)
    with pytest.raises(api.exceptions.ConflictException):
        world.join(channel, alice, alice)
    with pytest.raises(api.exceptions.UnauthorizedClientException):
        api.describe_channel(ChannelArn=channel, ChimeBearer=world.arn("nobody"))
    with pytest.raises(world.identity.exceptions.ForbiddenException):
        world.identity.describe_app_instance_user(AppInstanceUserArn=world.arn("nobody"))


@pytest.mark.parametrize("attempt, status, name, short", [
    ("forbidden", 403, "ForbiddenException", "Forbidden"),
    ("not found", 404, "NotFoundException", "NotFound"),
    ("conflict", 409, "ConflictException", "Conflict"),
    ("bad request", 400, "BadRequestException", "BadRequest"),
    ("no bearer", 401, "UnauthorizedClientException", "Unauthorized"),
    ("bad bearer", 401, "UnauthorizedClientException", "Unauthorized"),
])
def test_e_01_and_e_04_header_and_body_carry_the_long_and_the_short_code(server, world, alice, attempt, status, name,
                                                                         short):
    channel, bob = world.channel(alice, privacy="PRIVATE"), world.user("bob")
    path = f"/channels/{quoted(channel)}"
    answers = {
        "forbidden": lambda: send(server, "GET", path, bearer=bob),
        "not found": lambda: send(server, "GET", f"{path}/memberships/{quoted(bob)}", bearer=alice),
        "conflict": lambda: send(server, "POST", f"{path}/memberships", {"MemberArn": alice, "Type": "DEFAULT"},
                                 bearer=alice),
        "bad request": lambda: send(server, "PUT", path, {"Mode": "OPEN"}, bearer=alice),
        "no bearer": lambda: send(server, "GET", path),
        "bad bearer": lambda: send(server, "GET", path, bearer="not an arn"),
    }
    body = is_typed(answers[attempt](), status, name, short)
    if "bearer" in attempt:
        assert body["Message"] == (
            "An invalid app instance user ARN was supplied for the x-amz-chime-bearer HTTP header.")


def test_r_03_every_answer_has_a_request_id_of_its_own_and_a_date(server):
    answers = [send(server, "GET", "/app-instances") for _ in range(3)]
    assert {each.status for each in answers} == {200}
    ids = [each.headers["x-amzn-RequestId"] for each in answers]
    assert len(set(ids)) == 3 and all(UUID.fullmatch(each) for each in ids)
    assert all(each.headers["Content-Type"] == "application/json" and each.headers["Date"] for each in answers)


def test_r_02_an_answer_without_content_has_no_body_and_no_length(server, world, alice):
    answer = send(server, "DELETE", f"/app-instance-users/{quoted(alice)}")
    assert answer.status == 204
    assert answer.body == b"" and answer.headers["Content-Length"] is None


def test_r_04_absent_values_are_left_out_and_booleans_are_always_there(server, world, alice):
    channel = world.channel(alice)
    world.send(channel, alice)
    page = send(server, "GET", f"/channels/{quoted(channel)}/messages", bearer=alice).json
    assert "NextToken" not in page
    (message,) = page["ChannelMessages"]
    assert message["Redacted"] is False
    assert None not in message.values() and "LastEditedTimestamp" not in message


def test_ts_01_timestamps_are_numbers_in_epoch_seconds(server, world, alice):
    answer = send(server, "GET", f"/app-instance-users/{quoted(alice)}").json["AppInstanceUser"]
    assert isinstance(answer["CreatedTimestamp"], (int, float))
    assert abs(answer["CreatedTimestamp"] - time.time()) < 60


# Routing

@pytest.mark.parametrize("method, path", [
    ("GET", "/nothing-here"), ("GET", "/"), ("PATCH", "/channels"), ("DELETE", "/channels"),
    ("GET", "/app-instances/x/y/z/w"), ("PUT", "/endpoints/messaging-session"), ("GET", "/%00"), ("GET", "//channels"),
    ("BREW", "/app-instances")])
def test_r_06_and_r_07_an_unknown_route_is_a_404_in_json(server, method, path):
    answer = send(server, method, path)
    is_typed(answer, 404, "UnknownOperationException")


def test_w_16_a_trailing_slash_is_never_the_list(server):
    for path in ("/app-instances/", "/channels/"):
        answer = send(server, "GET", path)
        assert answer.status in (400, 404) and answer.error, answer


def test_w_02_an_unknown_operation_or_scope_is_a_bad_request(server, world, alice):
    channel = quoted(world.channel(alice))
    for method, path in (("POST", f"/channels/{channel}/memberships?operation=dance"),
                         ("GET", f"/channels/{channel}?scope=everything")):
        is_typed(send(server, method, path, bearer=alice), 400, "BadRequestException", "BadRequest")


def test_w_03_modelled_query_members_may_stand_before_the_literal_one(server, world, alice):
    path = f"/channels?app-instance-user-arn={quoted(alice)}&scope=app-instance-user-memberships"
    answer = send(server, "GET", path, bearer=alice)
    assert answer.status == 200 and "ChannelMemberships" in answer.json, answer


def test_w_05_an_arn_with_raw_colons_in_the_path_is_understood(server, world, alice):
    path = f"/app-instance-users/{quoted(alice).replace('%3A', ':')}"
    assert send(server, "GET", path).status == 200


def test_w_08_the_content_type_does_not_matter(server):
    for content_type in (None, "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"):
        headers = {"Content-Type": content_type} if content_type else {}
        answer = send(server, "POST", "/app-instances", {"Name": "n", "ClientRequestToken": token()}, headers)
        assert answer.status == 201, (content_type, answer)


def test_w_09_an_absent_body_and_an_empty_object_mean_the_same(server, world, alice):
    channel = world.channel(alice)
    for body in (None, {}):
        message = world.send(channel, alice)
        path = f"/channels/{quoted(channel)}/messages/{message}?operation=redact"
        assert send(server, "POST", path, body, bearer=alice).status == 200


def test_w_12_the_console_prefix_is_accepted_and_signed(server, root, world):
    assert send(server, "GET", "/console/app-instances").status == 200
    assert Clients(server, endpoint=server.url + "/console").identity.describe_app_instance(AppInstanceArn=world.app)


def test_w_14_and_design_2_absolute_form_targets_and_any_host_are_accepted(server):
    for host in ("identity-chime.test", "messaging-chime.test:8080", "whatever.example"):
        assert send(server, "GET", "/app-instances", host=host).status == 200
    headers = sign(server, "GET", "/app-instances", host="identity-chime.test")
    answer = exchange(server, "GET", "http://identity-chime.test/app-instances", b"", headers)
    assert answer.status == 200, answer


def test_w_19_any_region_in_the_scope_is_accepted(server):
    for region in ("eu-central-1", "us-east-1", "local"):
        assert send(server, "GET", "/app-instances", region=region).status == 200


# Values

def test_w_18_unknown_members_and_parameters_are_ignored(server):
    body = {"Name": "n", "ClientRequestToken": token(), "Colour": "blue", "Nested": {"a": [1]}}
    assert send(server, "POST", "/app-instances?colour=blue", body).status == 201


def test_w_18_null_means_absent_for_optional_members_and_missing_for_required_ones(server):
    body = {"Name": "n", "ClientRequestToken": token(), "Metadata": None, "Tags": None}
    assert send(server, "POST", "/app-instances", body).status == 201
    is_typed(send(server, "POST", "/app-instances", {**body, "Name": None}), 400, "BadRequestException", "BadRequest")


@pytest.mark.parametrize("body", [
    {"Name": 5, "ClientRequestToken": "tok1"}, {"Name": ["n"], "ClientRequestToken": "tok1"},
    {"Name": {"S": "n"}, "ClientRequestToken": "tok1"}, {"Name": True, "ClientRequestToken": "tok1"},
    {"Name": "n", "ClientRequestToken": "tok1", "Tags": "k=v"}, {"Name": "n", "ClientRequestToken": "tok1", "Tags": {}},
    {"Name": "n", "ClientRequestToken": "tok1", "Tags": [{"Key": "k"}]}, {}, [], "text", 5, None])
def test_w_18_wrong_types_and_missing_members_are_bad_requests(server, body):
    is_typed(send(server, "POST", "/app-instances", json.dumps(body).encode()), 400, "BadRequestException",
             "BadRequest")


@pytest.mark.parametrize("raw", [
    b"{", b"{\"Name\":", b"not json", b"{\"Name\":\"n\"}}", b"{'Name':'n'}", b"{\"Name\":\"n\",}", b"\xff\xfe{}",
    b"{\"Name\":\"\xff\xfe\",\"ClientRequestToken\":\"tok1\"}", b"{\"Name\":\"\\ud800\",\"ClientRequestToken\":\"t1\"}",
    b"\xef\xbb\xbf{", b"\x00" * 100, b"{\"Name\":1e999999}", b"NaN"])
def test_w_18_malformed_json_and_bad_utf8_are_bad_requests(server, raw):
    is_typed(send(server, "POST", "/app-instances", raw), 400, "BadRequestException", "BadRequest")


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_json_is_a_bad_request_and_not_a_stack_overflow(server, opening, closing, depth):
    raw = b'{"Name":"n","ClientRequestToken":"tok1","Extra":' + opening * depth + b"1" + closing * depth + b"}"
    is_typed(send(server, "POST", "/app-instances", raw), 400, "BadRequestException")
    assert send(server, "GET", "/app-instances").status == 200


def test_an_oversized_body_is_refused_in_json_that_the_sender_can_still_read(server):
    body = b'{"Name":"' + b"x" * (4 * 1024 * 1024) + b'"}'
    answer = send(server, "POST", "/app-instances", body)
    assert answer.status in (400, 413) and answer.error, answer
    assert answer.json["Message"]


@pytest.mark.parametrize("token_text", ["x", "AAAA", "../../etc/passwd", "%00", "eyJhIjoxfQ==", "\U0001f600",
                                        "a" * 2048, "a" * 2049, "' OR 1=1 --", "0", "-1"])
def test_a_hostile_next_token_is_a_bad_request(server, world, alice, token_text):
    channel = world.channel(alice)
    for path, bearer in ((f"/channels/{quoted(channel)}/messages", alice), ("/app-instances", None),
                         (f"/channels?app-instance-arn={quoted(world.app)}", alice)):
        joint = "&" if "?" in path else "?"
        answer = send(server, "GET", f"{path}{joint}next-token={quoted(token_text)}", bearer=bearer)
        is_typed(answer, 400, "BadRequestException", "BadRequest")


@pytest.mark.parametrize("value", ["0", "51", "-1", "x", "1.5", "99999999999999999999"])
def test_w_17_max_results_outside_its_bounds_is_a_bad_request(server, value):
    is_typed(send(server, "GET", f"/app-instances?max-results={value}"), 400, "BadRequestException", "BadRequest")


@pytest.mark.parametrize("arn", ["arn:aws:chime:us-east-1:123456789012:app-instance/not-a-uuid", "nonsense",
                                 "arn:aws:", "arn:aws:s3:::bucket", "a" * 2000,
                                 "arn:aws:chime:us-east-1:123456789012:app-instance/", "../app-instances",
                                 "%2e%2e%2f", "\u202e", "a\r\nX-Evil: 1"])
def test_w_17_a_malformed_arn_in_the_path_is_a_typed_refusal(server, arn):
    answer = send(server, "GET", f"/app-instances/{quoted(arn)}")
    assert answer.status in (400, 403, 404) and answer.error, answer


@pytest.mark.parametrize("path", ["/app-instances/%zz", "/app-instances/%ff%fe", "/app-instances/%", "/%c0%ae%c0%ae/x"])
def test_bad_percent_encoding_is_a_typed_refusal(server, path):
    answer = exchange(server, "GET", path, b"", sign(server, "GET", path))
    assert answer.status in (400, 403, 404) and answer.error, answer


@pytest.mark.parametrize("client_token", ["x", "x" * 65, "with space", "\u00e9\u00e9", ""])
def test_w_17_client_request_tokens_are_bounded(server, client_token):
    body = {"Name": "n", "ClientRequestToken": client_token}
    is_typed(send(server, "POST", "/app-instances", body), 400, "BadRequestException", "BadRequest")


def test_e_07_policy_comes_before_input_and_input_before_bearer(server, root, world, alice):
    root.iam.create_user(UserName=f"none-{world.app[-6:]}")
    keys = Keys.of(root.iam.create_access_key(UserName=f"none-{world.app[-6:]}")["AccessKey"])
    channel = quoted(world.channel(alice))
    bad = {"Content": "x" * 5000, "Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": token()}
    path = f"/channels/{channel}/messages"
    is_typed(send(server, "POST", path, bad, bearer=alice, keys=keys), 403, "AccessDeniedException", "AccessDenied")
    is_typed(send(server, "POST", path, bad, bearer=world.arn("nobody")), 400, "BadRequestException", "BadRequest")


def test_e_09_a_bad_member_arn_in_the_body_is_forbidden(server, world, alice):
    channel = world.channel(alice)
    answer = send(server, "POST", f"/channels/{quoted(channel)}/memberships",
                  {"MemberArn": world.arn("nobody"), "Type": "DEFAULT"}, bearer=alice)
    body = is_typed(answer, 403, "ForbiddenException", "Forbidden")
    assert body["Message"] == "An invalid app instance user ARN was supplied for the input parameter."


# Signatures

def test_a_13_a_request_without_authentication_is_missing_its_token(server):
    status, headers, body = server.http("GET", "/app-instances")
    assert (status, headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException"), body


def test_a_13_an_unknown_access_key_is_an_unrecognized_client(server):
    answer = send(server, "GET", "/app-instances", keys=Keys("AKIAUNKNOWNUNKNOWN00", "s" * 40))
    body = is_typed(answer, 403, "UnrecognizedClientException")
    assert body["Message"] == "The security token included in the request is invalid."


def test_a_13_a_wrong_secret_is_an_invalid_signature(server):
    answer = send(server, "GET", "/app-instances", keys=Keys(server.root[0], "s" * 40))
    is_typed(answer, 403, "InvalidSignatureException")


@pytest.mark.parametrize("service", ["s3", "execute-api", "sts"])
def test_a_13_another_services_scope_is_an_invalid_signature(server, service):
    is_typed(send(server, "GET", "/app-instances", service=service), 403, "InvalidSignatureException")


@pytest.mark.parametrize("authorization", [
    "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c", "Bearer abc", "AWS4-HMAC-SHA256 " + "x" * 5000,
    "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/chime/aws4_request, SignedHeaders=, Signature=",
    "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/chime/aws4_request,SignedHeaders=host,Signature=zz,Signature=zz"])
def test_a_13_a_malformed_authorization_header_is_a_typed_403(server, authorization):
    status, headers, body = server.http("GET", "/app-instances", headers={
        "Authorization": authorization, "X-Amz-Date": datetime.datetime.now(datetime.timezone.utc).strftime(
            "%Y%m%dT%H%M%SZ")})
    assert status == 403, body
    assert headers["x-amzn-ErrorType"] in ("IncompleteSignatureException", "MissingAuthenticationTokenException",
                                           "InvalidSignatureException", "UnrecognizedClientException")
    assert json.loads(body)["Message"]


def test_a_06_and_trap_18_a_bearer_swapped_or_added_after_signing_is_refused(server, world, alice):
    bob = world.user("bob")
    channel = world.channel(alice, privacy="PRIVATE")
    path = f"/channels/{quoted(channel)}"
    headers = sign(server, "GET", path, bearer=bob)
    swapped = {name: alice if name.lower() == "x-amz-chime-bearer" else value for name, value in headers.items()}
    assert exchange(server, "GET", path, b"", swapped).status == 403
    added = {**sign(server, "GET", path), "x-amz-chime-bearer": alice}
    answer = exchange(server, "GET", path, b"", added)
    assert answer.status == 403 and answer.error != "ForbiddenException", answer


def test_a_08_a_body_changed_after_signing_is_refused(server):
    body = b'{"Name":"n","ClientRequestToken":"tok1"}'
    headers = sign(server, "POST", "/app-instances", body)
    answer = exchange(server, "POST", "/app-instances", body.replace(b'"n"', b'"m"'), headers)
    assert (answer.status, answer.error) == (403, "InvalidSignatureException"), answer


@pytest.mark.parametrize("minutes, refused", [(-4, False), (4, False), (-6, True), (6, True)])
def test_a_10_a_date_more_than_five_minutes_off_is_refused_with_both_times(server, minutes, refused):
    from harness import clock

    clock.set_signing_offset(minutes * 60)
    try:
        answer = send(server, "GET", "/app-instances")
    finally:
        clock.set_signing_offset(0)
    if not refused:
        assert answer.status == 200, answer
        return
    body = is_typed(answer, 403, "InvalidSignatureException")
    expected = "Signature expired" if minutes < 0 else "Signature not yet current"
    assert expected in body["Message"], body
    assert len(re.findall(r"\d{8}T\d{6}Z", body["Message"])) >= 2, body


# Raw connections

def raw_exchange(server, data, timeout=15):
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as wire:
        wire.sendall(data)
        received = b""
        try:
            while chunk := wire.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return received


@pytest.mark.parametrize("data", [
    b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n",
    b"GET /app-instances HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"])
def test_broken_http_gets_no_5xx_and_hurts_nobody(server, data):
    received = raw_exchange(server, data, timeout=5)
    status = received.split(b" ", 2)[1:2]
    assert not status or not status[0].startswith(b"5"), received[:200]
    assert b"<html" not in received.lower()
    assert send(server, "GET", "/app-instances").status == 200


def test_a_request_that_never_ends_is_cut_off_and_others_are_served(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=90) as slow:
        slow.sendall(b"POST /app-instances HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert send(server, "GET", "/app-instances").status == 200
        started = time.monotonic()
        try:
            received = slow.recv(65536)
        except ConnectionResetError:
            received = b""
        assert time.monotonic() - started < 75, "a slow request must be cut off within about a minute"
        assert not received.startswith(b"HTTP/1.1 5"), received[:200]


def test_trap_19_preflight_names_every_header_and_errors_are_exposed(server):
    status, headers, _ = server.http("OPTIONS", "/channels", headers={
        "Origin": "http://app.test", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-amz-date,x-amz-chime-bearer"})
    assert status in (200, 204)
    allowed = headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    for name in ("authorization", "content-type", "amz-sdk-invocation-id", "amz-sdk-request", "x-amz-date",
                 "x-amz-chime-bearer", "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent"):
        assert name in allowed, name
    assert headers["Access-Control-Allow-Origin"] in ("*", "http://app.test")
    assert {"GET", "POST", "PUT", "DELETE"} <= set(headers["Access-Control-Allow-Methods"].replace(" ", "").split(","))
    answer = send(server, "GET", "/nothing", headers={"Origin": "http://app.test"})
    exposed = answer.headers["Access-Control-Expose-Headers"].lower()
    assert all(name in exposed for name in ("x-amzn-errortype", "x-amzn-requestid", "date"))
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "http://app.test")


# Launch contract

def test_liveness_readiness_and_metrics_are_unsigned(server):
    assert server.http("GET", "/livez")[0] == 200
    assert server.http("GET", "/readyz")[0] == 200
    assert "# TYPE" in server.metrics()


def test_the_test_clock_routes_are_404_without_the_flag(launch):
    plain = launch(test_clock=False, database="memory:")
    assert plain.http("GET", "/_chime/clock")[0] == 404
    assert plain.http("POST", "/_chime/clock", {"AdvanceSeconds": 1})[0] == 404


@pytest.mark.parametrize("body", [b"", b"{}", b'{"AdvanceSeconds":"x"}', b'{"AdvanceSeconds":-1}', b"{"])
def test_a_bad_clock_request_is_a_400(server, body):
    assert server.http("POST", "/_chime/clock", body)[0] == 400


def test_the_root_credentials_file_is_private_to_its_owner(server):
    path = server.data_dir / "root-credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_root_key_of_the_environment_is_used(launch):
    one = launch(database="memory:", env={"CHIME_ROOT_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT",
                                          "CHIME_ROOT_SECRET_ACCESS_KEY": "s" * 40,
                                          "CHIME_ACCOUNT_ID": "210987654321", "CHIME_REGION": "eu-west-1"})
    clients = Clients(one, Keys("AKIAROOTROOTROOTROOT", "s" * 40))
    assert clients.sts.get_caller_identity()["Account"] == "210987654321"
    arn = clients.identity.create_app_instance(Name="n", ClientRequestToken=token())["AppInstanceArn"]
    assert arn.startswith("arn:aws:chime:eu-west-1:210987654321:app-instance/")


def test_two_servers_start_side_by_side_and_share_nothing(launch):
    first, second = (Clients(launch(database="memory:")) for _ in range(2))
    first.identity.create_app_instance(Name="n", ClientRequestToken=token())
    assert len(first.identity.list_app_instances()["AppInstances"]) == 1
    assert second.identity.list_app_instances()["AppInstances"] == []


def test_https_is_served_under_the_servers_own_ca(server):
    clients = Clients(server, endpoint=server.https_url, verify=str(server.ca))
    assert clients.identity.list_app_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200
    named = Clients(server, endpoint=f"https://localhost:{server.https_port}", verify=str(server.ca))
    assert named.identity.list_app_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_unknown_configuration_key_stops_the_server(tmp_path):
    from harness.server import ChimeServer

    one = ChimeServer(tmp_path / "data", config="colour = 'blue'\n")
    try:
        with pytest.raises(RuntimeError, match="colour"):
            one.start()
    finally:
        one.kill9()
