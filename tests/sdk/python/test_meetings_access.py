"""Who may do what with meetings: IAM policies on meeting ARNs and tags, managed policy, tags themselves."""

import json
import uuid

import pytest

from harness.clients import ACCESS_DENIED, BAD_REQUEST, RESOURCE_NOT_FOUND, Clients, Keys, refusal, send, token
from harness.conference import NOBODY, attend, create


@pytest.fixture
def as_user(root):
    """Clients of a fresh IAM user with these statements: `as_user({"Action": …, "Resource": …}, …)`."""
    def make(*statements, managed=None):
        name = f"meet-{uuid.uuid4().hex[:10]}"
        root.iam.create_user(UserName=name)
        if managed:
            root.iam.attach_user_policy(UserName=name, PolicyArn=managed)
        if statements:
            document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
            root.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        return Clients(root.server, Keys.of(root.iam.create_access_key(UserName=name)["AccessKey"])).meetings
    return make


def test_iam_12_a_creation_is_granted_on_everything_and_not_on_an_arn(root, as_user):
    arn = "arn:aws:chime:us-east-1:123456789012:meeting/*"
    assert refusal(create, as_user({"Action": "chime:CreateMeeting", "Resource": arn})) == ACCESS_DENIED
    assert create(as_user({"Action": "chime:CreateMeeting", "Resource": "*"}))
    assert refusal(create, as_user()) == ACCESS_DENIED


def test_iam_13_attendees_and_the_meeting_are_granted_on_the_arn_of_the_meeting(root, as_user):
    mine, other = create(root.meetings), create(root.meetings)
    user = as_user({"Action": "chime:*", "Resource": mine["MeetingArn"]})
    alice = attend(user, mine)
    of = {"MeetingId": mine["MeetingId"], "AttendeeId": alice["AttendeeId"]}
    assert user.get_attendee(**of)["Attendee"] == alice
    assert len(user.list_attendees(MeetingId=mine["MeetingId"])["Attendees"]) == 1
    assert user.update_attendee_capabilities(
        **of, Capabilities={"Audio": "Send", "Video": "Send", "Content": "Send"})["Attendee"]["AttendeeId"]
    user.delete_attendee(**of)
    for call in (user.get_meeting, user.list_attendees, user.delete_meeting, user.stop_meeting_transcription):
        denied = refusal(call, MeetingId=other["MeetingId"])
        assert denied == ACCESS_DENIED and other["MeetingArn"] in denied.message
    assert refusal(attend, user, other) == ACCESS_DENIED
    user.delete_meeting(MeetingId=mine["MeetingId"])


def test_iam_13_a_denied_meeting_stays_denied_in_capital_letters(root, as_user):
    made = create(root.meetings)
    user = as_user({"Action": "chime:*", "Resource": "*"},
                   {"Effect": "Deny", "Action": "chime:*", "Resource": made["MeetingArn"]})
    assert refusal(user.get_meeting, MeetingId=made["MeetingId"]) == ACCESS_DENIED
    assert refusal(user.get_meeting, MeetingId=made["MeetingId"].upper()) == ACCESS_DENIED


def test_iam_13_whether_a_meeting_exists_is_not_told_to_who_may_not_ask(root, as_user):
    assert refusal(as_user().get_meeting, MeetingId=NOBODY) == ACCESS_DENIED


def test_iam_18_the_managed_policy_grants_its_nine_operations_and_no_other(root, as_user):
    user = as_user(managed="arn:aws:iam::aws:policy/AmazonChimeSDK")
    made = create(user)
    alice = attend(user, made)
    of = {"MeetingId": made["MeetingId"]}
    user.batch_create_attendee(**of, Attendees=[{"ExternalUserId": "bob"}])
    user.get_attendee(**of, AttendeeId=alice["AttendeeId"])
    user.delete_attendee(**of, AttendeeId=alice["AttendeeId"])
    user.list_attendees(**of)
    user.get_meeting(**of)
    with_attendees = refusal(user.create_meeting_with_attendees, ClientRequestToken=token(), ExternalMeetingId="ab",
                             MediaRegion="us-east-1", Attendees=[{"ExternalUserId": "alice"}])
    assert with_attendees == ACCESS_DENIED
    user.delete_meeting(**of)


def test_policies_decide_by_the_tags_of_the_meeting(root, as_user):
    team = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    user = as_user({"Action": ["chime:GetMeeting", "chime:CreateAttendee", "chime:ListTagsForResource"],
                    "Resource": "*", "Condition": team})
    blue = create(root.meetings, Tags=[{"Key": "team", "Value": "blue"}])
    red = create(root.meetings, Tags=[{"Key": "team", "Value": "red"}])
    assert user.get_meeting(MeetingId=blue["MeetingId"])["Meeting"] == blue
    assert attend(user, blue)
    assert user.list_tags_for_resource(ResourceARN=blue["MeetingArn"])["Tags"]
    for refused in (refusal(user.get_meeting, MeetingId=red["MeetingId"]), refusal(attend, user, red),
                    refusal(user.list_tags_for_resource, ResourceARN=red["MeetingArn"]),
                    refusal(user.get_meeting, MeetingId=NOBODY)):
        assert refused == ACCESS_DENIED
    root.meetings.tag_resource(ResourceARN=blue["MeetingArn"], Tags=[{"Key": "team", "Value": "green"}])
    assert refusal(user.get_meeting, MeetingId=blue["MeetingId"]) == ACCESS_DENIED


def test_policies_decide_by_the_tags_that_a_creation_brings(root, as_user):
    user = as_user({"Action": "chime:CreateMeeting", "Resource": "*",
                    "Condition": {"StringEquals": {"aws:RequestTag/team": "blue"}}})
    assert create(user, Tags=[{"Key": "team", "Value": "blue"}])
    assert refusal(create, user, Tags=[{"Key": "team", "Value": "red"}]) == ACCESS_DENIED
    assert refusal(create, user) == ACCESS_DENIED


def test_meetings_are_tagged_listed_and_untagged_by_their_arn(root):
    client = root.meetings
    made = create(client, Tags=[{"Key": "a", "Value": "1"}, {"Key": "empty", "Value": ""}])

    def tags():
        return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(
            ResourceARN=made["MeetingArn"])["Tags"]}

    assert tags() == {"a": "1", "empty": ""}
    client.tag_resource(ResourceARN=made["MeetingArn"], Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    client.untag_resource(ResourceARN=made["MeetingArn"], TagKeys=["empty", "never"])
    assert tags() == {"a": "2", "b": "3"}


def test_a_51st_tag_and_a_meeting_that_is_not_there_have_the_names_of_meetings(root):
    client = Clients(root.server, parameter_validation=False).meetings
    made = create(client, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(50)])
    more = {"ResourceARN": made["MeetingArn"], "Tags": [{"Key": "one more", "Value": "v"}]}
    assert refusal(client.tag_resource, **more) == (400, "TooManyTagsException")
    gone = made["MeetingArn"].replace(made["MeetingId"], NOBODY)
    assert refusal(client.list_tags_for_resource, ResourceARN=gone) == RESOURCE_NOT_FOUND
    assert refusal(client.untag_resource, ResourceARN=gone, TagKeys=["a"]) == RESOURCE_NOT_FOUND
    many = [{"Key": f"{n}", "Value": "v"} for n in range(51)]
    for bad in ([{"Key": "", "Value": "v"}], [{"Key": "k", "Value": "v"}] * 2, many):
        assert refusal(client.tag_resource, ResourceARN=made["MeetingArn"], Tags=bad) == BAD_REQUEST
    spelt = made["MeetingArn"].replace("us-east-1", "eu-west-1")
    assert refusal(client.list_tags_for_resource, ResourceARN=spelt) == RESOURCE_NOT_FOUND


def test_an_unsigned_request_and_a_wrong_signature_are_refused(server):
    status, headers, _ = server.http("GET", f"/meetings/{NOBODY}")
    assert status == 403 and headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    wrong = send(server, "GET", f"/meetings/{NOBODY}", keys=Keys(server.root[0], "x" * 40))
    assert wrong.status == 403
