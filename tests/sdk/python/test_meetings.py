"""Meetings and attendees with today's client: their lives, idempotency, batches, capabilities, transcription."""

import threading

import pytest
from botocore.exceptions import ClientError

from harness.clients import BAD_REQUEST, LIMIT_EXCEEDED, NOT_FOUND, UNPROCESSABLE, Clients, quoted, refusal, send, token
from harness.conference import NOBODY, UUID, attend, attendees, create

REGIONS = ["us-east-2", "us-east-1", "us-west-1", "us-west-2", "af-south-1", "ap-south-1", "ap-northeast-2",
           "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ca-central-1", "eu-central-1", "eu-west-1",
           "eu-west-2", "eu-south-1", "eu-west-3", "eu-north-1", "sa-east-1"]


@pytest.fixture
def meetings(root):
    return root.meetings


@pytest.fixture
def meeting(meetings):
    made = create(meetings)
    yield made
    try:
        meetings.delete_meeting(MeetingId=made["MeetingId"])
    except ClientError:
        pass


def test_mtg_01_02_and_11_a_meeting_has_a_uuid_an_arn_and_the_urls_of_its_media(meetings):
    made = create(meetings, ExternalMeetingId="planning", MeetingHostId="host", TenantIds=["tenant-1"])
    assert UUID.fullmatch(made["MeetingId"])
    assert made["ExternalMeetingId"] == "planning" and made["MeetingHostId"] == "host"
    assert made["MediaRegion"] == "us-east-1" and made["TenantIds"] == ["tenant-1"]
    assert made["MeetingArn"] == f"arn:aws:chime:us-east-1:123456789012:meeting/{made['MeetingId']}"
    assert set(made["MediaPlacement"]) == {
        "AudioHostUrl", "AudioFallbackUrl", "SignalingUrl", "TurnControlUrl", "ScreenDataUrl", "ScreenViewingUrl",
        "ScreenSharingUrl", "EventIngestionUrl"}
    assert meetings.get_meeting(MeetingId=made["MeetingId"])["Meeting"] == made
    assert meetings.get_meeting(MeetingId=made["MeetingId"].upper())["Meeting"] == made


@pytest.mark.parametrize("region", REGIONS)
def test_mtg_13_and_14_every_media_region_is_taken(meetings, region):
    made = create(meetings, MediaRegion=region)
    assert made["MediaRegion"] == region
    meetings.delete_meeting(MeetingId=made["MeetingId"])


@pytest.mark.parametrize("region", ["us-east-3", "US-EAST-1", "local-zone"])
def test_mtg_13_another_region_is_a_bad_request(meetings, region):
    assert refusal(create, meetings, MediaRegion=region) == BAD_REQUEST


def test_mtg_15_one_control_plane_serves_the_media_of_all_regions(root):
    """Whichever region the media are in, the meeting is asked for at one endpoint; clients may sign for any region."""
    far = create(root.meetings, MediaRegion="ap-southeast-2")
    assert far["MeetingArn"].split(":")[3] == "us-east-1"
    for region in ("us-east-1", "ap-southeast-2", "eu-central-1"):
        client = Clients(root.server, region=region).meetings
        assert client.get_meeting(MeetingId=far["MeetingId"])["Meeting"] == far


@pytest.mark.parametrize("more", [
    {"ExternalMeetingId": "x"}, {"MeetingHostId": "h" * 65},
    {"NotificationsConfiguration": {"SqsQueueArn": "arn:aws:sqs:us-east-1:123456789012:"}},
    {"MeetingFeatures": {"Attendee": {"MaxCount": 251}}}, {"MeetingFeatures": {"Video": {"MaxResolution": "FHD"}}},
    {"MeetingFeatures": {"Content": {"MaxResolution": "8K"}}}, {"PrimaryMeetingId": NOBODY},
    {"MediaPlacementNetworkType": "Ipv5"}, {"TenantIds": ["a b"]}, {"Tags": [{"Key": "k", "Value": "v"}] * 2}])
def test_mtg_10_what_breaks_a_bound_is_a_bad_request_and_makes_no_meeting(root, more):
    plain = Clients(root.server, parameter_validation=False).meetings
    before = len(send(root.server, "GET", "/meetings").json["Meetings"])
    assert refusal(create, plain, **more) == BAD_REQUEST
    assert len(send(root.server, "GET", "/meetings").json["Meetings"]) == before


def test_mtg_06_a_creation_without_its_token_is_a_bad_request(server):
    answer = send(server, "POST", "/meetings", {"ExternalMeetingId": "ab", "MediaRegion": "us-east-1"},
                  host="meetings-chime.test")
    assert (answer.status, answer.error) == (400, "BadRequestException")


def test_evt_03_a_queue_in_another_region_is_a_bad_request(meetings):
    arn = "arn:aws:{}:eu-west-1:123456789012:name"
    for kind, service in [("SqsQueueArn", "sqs"), ("SnsTopicArn", "sns")]:
        assert refusal(create, meetings, NotificationsConfiguration={kind: arn.format(service)}) == BAD_REQUEST


def test_mtg_07_and_08_one_token_is_one_meeting_whatever_else_is_said_until_it_ends(meetings):
    own = token()
    first = create(meetings, ClientRequestToken=own)
    assert create(meetings, ClientRequestToken=own, MediaRegion="eu-west-1") == first
    both = meetings.create_meeting_with_attendees(ClientRequestToken=own, ExternalMeetingId="other",
                                                  MediaRegion="us-west-2", Attendees=[{"ExternalUserId": "bob"}])
    assert both["Meeting"] == first and both["Errors"] == []
    assert [each["ExternalUserId"] for each in both["Attendees"]] == ["bob"]
    meetings.delete_meeting(MeetingId=first["MeetingId"])
    assert create(meetings, ClientRequestToken=own)["MeetingId"] != first["MeetingId"]


def test_mtg_07_creations_at_once_with_one_token_make_exactly_one_meeting(root):
    own, found, failed = token(), set(), []

    def one(n):
        client = Clients(root.server).meetings
        try:
            if n % 2:
                made = create(client, ClientRequestToken=own)
            else:
                made = client.create_meeting_with_attendees(
                    ClientRequestToken=own, ExternalMeetingId=f"m-{n}", MediaRegion="us-east-1",
                    Attendees=[{"ExternalUserId": "same"}, {"ExternalUserId": f"user-{n}"}])["Meeting"]
            found.add(made["MeetingId"])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed and len(found) == 1
    users = [each["ExternalUserId"] for each in attendees(root.meetings, {"MeetingId": found.pop()})]
    assert sorted(users) == sorted(["same"] + [f"user-{n}" for n in range(0, 12, 2)])


def test_mtg_03_04_16_and_17_an_attendee_has_an_id_a_token_and_its_external_user(meetings, meeting):
    alice = attend(meetings, meeting, "user#1 äöü")
    assert UUID.fullmatch(alice["AttendeeId"]) and alice["ExternalUserId"] == "user#1 äöü"
    assert alice["JoinToken"].isalnum() and 2 <= len(alice["JoinToken"]) <= 2048
    assert alice["Capabilities"] == {"Audio": "SendReceive", "Video": "SendReceive", "Content": "SendReceive"}
    assert attend(meetings, meeting, "user#1 äöü") == alice, "one external user is one attendee"
    bob = attend(meetings, meeting, "bob")
    assert bob["AttendeeId"] != alice["AttendeeId"] and bob["JoinToken"] != alice["JoinToken"]
    got = meetings.get_attendee(MeetingId=meeting["MeetingId"], AttendeeId=alice["AttendeeId"])["Attendee"]
    assert got == alice


@pytest.mark.parametrize("user, fits", [("a", False), ("ab", True), ("u" * 64, True), ("u" * 65, False),
                                        ("aws:mine", False)])
def test_mtg_16_and_25_an_external_user_is_2_to_64_characters(root, meeting, user, fits):
    plain = Clients(root.server, parameter_validation=False).meetings
    if fits:
        assert attend(plain, meeting, user)["ExternalUserId"] == user
    else:
        assert refusal(attend, plain, meeting, user) == BAD_REQUEST


def test_mtg_18_a_batch_of_100_is_taken_and_one_of_101_is_not(root, meetings, meeting):
    items = [{"ExternalUserId": f"user-{n:03}"} for n in range(100)]
    answer = meetings.batch_create_attendee(MeetingId=meeting["MeetingId"], Attendees=items)
    assert [each["ExternalUserId"] for each in answer["Attendees"]] == [each["ExternalUserId"] for each in items]
    assert answer["Errors"] == []
    plain = Clients(root.server, parameter_validation=False).meetings
    more = [*items, {"ExternalUserId": "one more"}]
    assert refusal(plain.batch_create_attendee, MeetingId=meeting["MeetingId"], Attendees=more) == BAD_REQUEST
    assert refusal(plain.batch_create_attendee, MeetingId=meeting["MeetingId"], Attendees=[]) == BAD_REQUEST
    listed = attendees(meetings, meeting, MaxResults=30)
    assert sorted(each["ExternalUserId"] for each in listed) == [each["ExternalUserId"] for each in items]


def test_mtg_18_and_qta_08_items_of_a_batch_fail_by_themselves(meetings):
    small = create(meetings, MeetingFeatures={"Attendee": {"MaxCount": 2}})
    answer = meetings.batch_create_attendee(MeetingId=small["MeetingId"], Attendees=[
        {"ExternalUserId": "alice"}, {"ExternalUserId": "aws:no"}, {"ExternalUserId": "bob"},
        {"ExternalUserId": "carol"}])
    assert [each["ExternalUserId"] for each in answer["Attendees"]] == ["alice", "bob"]
    errors = {each["ExternalUserId"]: each["ErrorCode"] for each in answer["Errors"]}
    assert errors == {"aws:no": "BadRequest", "carol": "ResourceLimitExceeded"}
    assert all(each["ErrorMessage"] for each in answer["Errors"])
    assert refusal(attend, meetings, small, "carol") == LIMIT_EXCEEDED
    assert attend(meetings, small, "bob"), "who is there is not one more"


def test_d_09_a_meeting_is_made_with_up_to_20_attendees(root):
    plain = Clients(root.server, parameter_validation=False).meetings

    def make(count):
        return plain.create_meeting_with_attendees(
            ClientRequestToken=token(), ExternalMeetingId="ab", MediaRegion="us-east-1",
            Attendees=[{"ExternalUserId": f"user-{n}"} for n in range(count)])

    assert len(make(20)["Attendees"]) == 20
    assert refusal(make, 21) == BAD_REQUEST


def test_mtg_19_what_is_of_no_meeting_is_not_found(meetings, meeting):
    of = {"MeetingId": NOBODY}
    settings = {"EngineTranscribeSettings": {"LanguageCode": "en-US"}}
    capabilities = {"Audio": "Send", "Video": "Send", "Content": "Send"}
    for call, more in [
            (meetings.get_meeting, {}), (meetings.delete_meeting, {}), (meetings.list_attendees, {}),
            (meetings.create_attendee, {"ExternalUserId": "alice"}),
            (meetings.batch_create_attendee, {"Attendees": [{"ExternalUserId": "alice"}]}),
            (meetings.get_attendee, {"AttendeeId": NOBODY}), (meetings.delete_attendee, {"AttendeeId": NOBODY}),
            (meetings.update_attendee_capabilities, {"AttendeeId": NOBODY, "Capabilities": capabilities}),
            (meetings.batch_update_attendee_capabilities_except,
             {"ExcludedAttendeeIds": [{"AttendeeId": NOBODY}], "Capabilities": capabilities}),
            (meetings.start_meeting_transcription, {"TranscriptionConfiguration": settings}),
            (meetings.stop_meeting_transcription, {})]:
        assert refusal(call, **of, **more) == NOT_FOUND, call
    of = {"MeetingId": meeting["MeetingId"], "AttendeeId": NOBODY}
    assert refusal(meetings.get_attendee, **of) == NOT_FOUND
    assert refusal(meetings.delete_attendee, **of) == NOT_FOUND


@pytest.mark.parametrize("bad", ["x", "g" * 36, NOBODY[:-1], "..%2F..", NOBODY + "0"])
def test_ids_that_are_no_uuid_are_a_bad_request(server, bad):
    for path in [f"/meetings/{bad}", f"/meetings/{NOBODY}/attendees/{bad}"]:
        answer = send(server, "GET", path)
        assert (answer.status, answer.error) == (400, "BadRequestException"), path


def test_mtg_20_deleting_a_meeting_ends_it_with_its_attendees(meetings):
    made = create(meetings)
    alice = attend(meetings, made)
    meetings.delete_meeting(MeetingId=made["MeetingId"])
    of = {"MeetingId": made["MeetingId"]}
    assert refusal(meetings.get_meeting, **of) == NOT_FOUND
    assert refusal(meetings.get_attendee, **of, AttendeeId=alice["AttendeeId"]) == NOT_FOUND
    assert refusal(attend, meetings, made, "bob") == NOT_FOUND
    assert refusal(meetings.delete_meeting, **of) == NOT_FOUND


def test_mtg_05_and_21_a_deleted_attendee_is_another_one_when_it_comes_again(meetings, meeting):
    alice = attend(meetings, meeting)
    meetings.delete_attendee(MeetingId=meeting["MeetingId"], AttendeeId=alice["AttendeeId"])
    assert attendees(meetings, meeting) == []
    again = attend(meetings, meeting)
    assert again["AttendeeId"] != alice["AttendeeId"] and again["JoinToken"] != alice["JoinToken"]


def test_capabilities_are_set_changed_for_one_and_for_all_but_some(meetings, meeting):
    of = {"MeetingId": meeting["MeetingId"]}
    listening = {"Audio": "Receive", "Video": "Receive", "Content": "None"}
    alice = attend(meetings, meeting, Capabilities=listening)
    bob, carol = attend(meetings, meeting, "bob"), attend(meetings, meeting, "carol")
    assert alice["Capabilities"] == listening
    sending = {"Audio": "Send", "Video": "Send", "Content": "Send"}
    answer = meetings.update_attendee_capabilities(**of, AttendeeId=bob["AttendeeId"], Capabilities=sending)
    assert answer["Attendee"] == {**bob, "Capabilities": sending}
    nothing = {"Audio": "None", "Video": "None", "Content": "None"}
    meetings.batch_update_attendee_capabilities_except(
        **of, ExcludedAttendeeIds=[{"AttendeeId": bob["AttendeeId"]}], Capabilities=nothing)
    now = {each["AttendeeId"]: each["Capabilities"] for each in attendees(meetings, meeting)}
    assert now == {alice["AttendeeId"]: nothing, bob["AttendeeId"]: sending, carol["AttendeeId"]: nothing}
    see_content_alone = {"Audio": "SendReceive", "Video": "None", "Content": "SendReceive"}
    assert refusal(meetings.update_attendee_capabilities, **of, AttendeeId=bob["AttendeeId"],
                   Capabilities=see_content_alone) == BAD_REQUEST


def test_features_come_back_as_they_were_given_and_bound_capabilities(meetings):
    features = {"Audio": {"EchoReduction": "AVAILABLE"}, "Video": {"MaxResolution": "None"},
                "Content": {"MaxResolution": "FHD"}, "Attendee": {"MaxCount": 10}}
    made = create(meetings, MeetingFeatures=features)
    assert made["MeetingFeatures"] == features
    assert attend(meetings, made)["Capabilities"]["Video"] == "Receive"
    assert refusal(attend, meetings, made, "bob",
                   Capabilities={"Audio": "Send", "Video": "Send", "Content": "None"}) == BAD_REQUEST


def test_a_replica_names_its_primary_meeting(meetings, meeting):
    replica = create(meetings, PrimaryMeetingId=meeting["MeetingId"])
    assert replica["PrimaryMeetingId"] == meeting["MeetingId"]
    assert refusal(create, meetings, PrimaryMeetingId=replica["MeetingId"]) == BAD_REQUEST


def test_without_a_transcriber_transcription_is_impossible_and_says_so(meetings, meeting):
    of = {"MeetingId": meeting["MeetingId"]}
    settings = {"EngineTranscribeSettings": {"LanguageCode": "en-US"}}
    refused = refusal(meetings.start_meeting_transcription, **of, TranscriptionConfiguration=settings)
    assert refused == UNPROCESSABLE and "transcriber" in refused.message
    assert refusal(meetings.stop_meeting_transcription, **of) == UNPROCESSABLE
    assert refusal(meetings.start_meeting_transcription, **of, TranscriptionConfiguration={}) == BAD_REQUEST


def test_p_01_attendees_are_paged_each_once(root, meetings, meeting):
    for n in range(7):
        attend(meetings, meeting, f"user-{n}")
    assert sorted(each["ExternalUserId"] for each in attendees(meetings, meeting, MaxResults=3)) == [
        f"user-{n}" for n in range(7)]
    plain = Clients(root.server, parameter_validation=False).meetings
    for bad in [{"MaxResults": 0}, {"MaxResults": 101}, {"NextToken": "forged"}]:
        assert refusal(plain.list_attendees, MeetingId=meeting["MeetingId"], **bad) == BAD_REQUEST, bad


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"Attendees": 3}', b'{"ClientRequestToken": {}}',
                                  b'{"ClientRequestToken": "ab", "MeetingFeatures": []}', b"\xff" * 40,
                                  b'{"Tags": ' + b"[" * 3000])
def test_bodies_of_another_shape_are_refused_and_never_a_failure(server, meeting, body):
    for target in ["/meetings", "/meetings?operation=create-attendees", f"/meetings/{meeting['MeetingId']}/attendees",
                   f"/meetings/{meeting['MeetingId']}/attendees?operation=batch-create"]:
        answer = send(server, "POST", target, body)
        assert answer.status == 400 and answer.error == "BadRequestException", (target, answer)


def test_errors_have_the_names_and_members_of_meetings(server):
    answer = send(server, "GET", f"/meetings/{NOBODY}")
    assert answer.error == "NotFoundException"
    assert answer.json["Code"] == "NotFound" and answer.json["RequestId"] == answer.headers["x-amzn-requestid"]


def test_mtg_22_a_meeting_is_no_app_instance_and_survives_every_one(root, meeting):
    app = root.identity.create_app_instance(Name="a", ClientRequestToken=token())["AppInstanceArn"]
    root.identity.delete_app_instance(AppInstanceArn=app)
    assert root.meetings.get_meeting(MeetingId=meeting["MeetingId"])["Meeting"] == meeting
    assert send(root.server, "GET", f"/app-instances/{quoted(meeting['MeetingArn'])}").status in (400, 403, 404)
