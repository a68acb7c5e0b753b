"""Meetings with the client of December 2020: `/console`, its required members, its tags, its lists, its error names."""

import pytest
from botocore.exceptions import ClientError

from harness.legacy import NAME, client, names, refused, token

NOBODY = "00000000-0000-4000-8000-000000000000"
TAGS = [{"Key": "team", "Value": "blue"}]


@pytest.fixture(autouse=True, scope="module")
def resolved():
    with names():
        yield


@pytest.fixture(scope="module")
def chime(server):
    return client(server)


@pytest.fixture
def meeting(chime):
    made = chime.create_meeting(ClientRequestToken=token())["Meeting"]
    yield made
    try:
        chime.delete_meeting(MeetingId=made["MeetingId"])
    except ClientError:
        pass


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def test_mtg_06_and_12_a_token_alone_makes_a_meeting_in_us_east_1(chime):
    answer = chime.create_meeting(ClientRequestToken=token())
    assert status(answer) == 201
    assert answer["Meeting"]["MediaRegion"] == "us-east-1" and "ExternalMeetingId" not in answer["Meeting"]
    assert answer["Meeting"]["MediaPlacement"]["SignalingUrl"].endswith(f"/control/{answer['Meeting']['MeetingId']}")


def test_mtg_26_the_guides_sample_works_at_the_console_path(server):
    """The application server of the guide: endpoint `…/console`, one meeting, one attendee."""
    console = client(server, endpoint=f"http://{NAME}:{server.port}/console")
    answer = console.create_meeting(ClientRequestToken=token(), MediaRegion="us-west-2", ExternalMeetingId="standup")
    assert status(answer) == 201 and answer["Meeting"]["MediaRegion"] == "us-west-2"
    alice = console.create_attendee(MeetingId=answer["Meeting"]["MeetingId"], ExternalUserId="alice")
    assert status(alice) == 201 and alice["Attendee"]["JoinToken"]
    batch = console.batch_create_attendee(MeetingId=answer["Meeting"]["MeetingId"],
                                          Attendees=[{"ExternalUserId": "bob"}])
    assert status(batch) == 201 and batch["Attendees"][0]["ExternalUserId"] == "bob"
    console.delete_meeting(MeetingId=answer["Meeting"]["MeetingId"])


def test_mtg_09_a_meeting_is_made_with_attendees_by_the_name_that_the_service_has(chime, server):
    assert not hasattr(chime, "create_meeting_with_attendee")
    answer = chime.create_meeting_with_attendees(
        ClientRequestToken=token(), Attendees=[{"ExternalUserId": f"user-{n}", "Tags": TAGS} for n in range(10)])
    assert status(answer) == 201 and len(answer["Attendees"]) == 10 and answer["Errors"] == []
    eleven = [{"ExternalUserId": f"user-{n}"} for n in range(11)]
    plain = client(server, parameter_validation=False)
    assert refused(plain.create_meeting_with_attendees, ClientRequestToken=token(), Attendees=eleven) == (
        400, "BadRequestException")


def test_mtg_16_18_20_and_21_attendees_come_and_go_with_the_meeting(chime, meeting):
    of = {"MeetingId": meeting["MeetingId"]}
    alice = chime.create_attendee(**of, ExternalUserId="alice", Tags=TAGS)["Attendee"]
    batch = chime.batch_create_attendee(**of, Attendees=[{"ExternalUserId": "bob", "Tags": TAGS}])
    assert batch["Attendees"][0]["ExternalUserId"] == "bob"
    assert chime.get_attendee(**of, AttendeeId=alice["AttendeeId"])["Attendee"] == alice
    users, page = [], {}
    while True:
        answer = chime.list_attendees(**of, MaxResults=1, **page)
        users += [each["ExternalUserId"] for each in answer["Attendees"]]
        if not answer.get("NextToken"):
            break
        page = {"NextToken": answer["NextToken"]}
    assert sorted(users) == ["alice", "bob"]
    chime.delete_attendee(**of, AttendeeId=alice["AttendeeId"])
    assert refused(chime.get_attendee, **of, AttendeeId=alice["AttendeeId"]) == (404, "NotFoundException")
    assert status(chime.delete_meeting(**of)) == 204
    assert refused(chime.get_meeting, **of) == (404, "NotFoundException")


def test_d_11_meetings_are_listed(chime, meeting):
    listed = chime.list_meetings(MaxResults=99)["Meetings"]
    assert meeting["MeetingId"] in [each["MeetingId"] for each in listed]


def test_d_11_meetings_and_attendees_are_tagged_listed_and_untagged(chime, meeting):
    of = {"MeetingId": meeting["MeetingId"]}
    alice = chime.create_attendee(**of, ExternalUserId="alice", Tags=TAGS)["Attendee"]
    both = {**of, "AttendeeId": alice["AttendeeId"]}
    assert chime.list_attendee_tags(**both)["Tags"] == TAGS and chime.list_meeting_tags(**of)["Tags"] == []
    more = [{"Key": "team", "Value": "red"}, {"Key": "size", "Value": "2"}]
    for tag, untag, list_tags, named in [
            (chime.tag_meeting, chime.untag_meeting, chime.list_meeting_tags, of),
            (chime.tag_attendee, chime.untag_attendee, chime.list_attendee_tags, both)]:
        tag(**named, Tags=more)
        assert {each["Key"]: each["Value"] for each in list_tags(**named)["Tags"]} == {"team": "red", "size": "2"}
        untag(**named, TagKeys=["team"])
        assert list_tags(**named)["Tags"] == [{"Key": "size", "Value": "2"}]
    gone = {"MeetingId": NOBODY}
    assert refused(chime.tag_meeting, **gone, Tags=TAGS) == (404, "NotFoundException")
    assert refused(chime.list_attendee_tags, **of, AttendeeId=NOBODY) == (404, "NotFoundException")


def test_d_13_the_join_token_fits_the_pattern_of_that_time(chime, meeting):
    alice = chime.create_attendee(MeetingId=meeting["MeetingId"], ExternalUserId="alice")["Attendee"]
    assert alice["JoinToken"].isascii() and alice["JoinToken"].isalnum() and len(alice["JoinToken"]) <= 2048


def test_d_10_a_full_meeting_has_the_error_name_of_that_time(chime, meeting):
    of = {"MeetingId": meeting["MeetingId"]}
    for start in (0, 100, 200):
        users = [{"ExternalUserId": f"user-{n}"} for n in range(start, min(start + 100, 250))]
        chime.batch_create_attendee(**of, Attendees=users)
    answer = chime.batch_create_attendee(**of, Attendees=[{"ExternalUserId": "one more"}])
    assert [each["ErrorCode"] for each in answer["Errors"]] == ["ResourceLimitExceeded"]
