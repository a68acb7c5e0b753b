"""Quotas, the shared rate, and the end that meetings come to by themselves."""

import time

from harness import clock
from harness.clients import LIMIT_EXCEEDED, NOT_FOUND, THROTTLING, Clients, refusal, send, token
from harness.conference import attend, attendees, create


def gone(client, meeting):
    found = refusal(client.get_meeting, MeetingId=meeting["MeetingId"])
    assert found == NOT_FOUND
    return True


def test_qta_01_the_251st_meeting_is_refused_and_an_ended_one_makes_room(own_server):
    client = Clients(own_server).meetings
    made = [create(client) for _ in range(250)]
    assert refusal(create, client) == LIMIT_EXCEEDED
    old = send(own_server, "POST", "/console/meetings", {"ClientRequestToken": token()})
    assert (old.status, old.error) == (400, "ResourceLimitExceededException")
    client.delete_meeting(MeetingId=made[0]["MeetingId"])
    assert create(client)
    assert refusal(create, client) == LIMIT_EXCEEDED


def test_qta_01_the_quota_can_be_set(launch):
    client = Clients(launch(env={"CHIME_QUOTAS__ACTIVE_MEETINGS": "1"})).meetings
    create(client)
    assert refusal(create, client) == LIMIT_EXCEEDED


def test_a_primary_meeting_has_four_replicas_at_a_time(root):
    client = root.meetings
    primary = create(client)["MeetingId"]
    made = [create(client, PrimaryMeetingId=primary) for _ in range(4)]
    assert refusal(create, client, PrimaryMeetingId=primary) == LIMIT_EXCEEDED
    client.delete_meeting(MeetingId=made[0]["MeetingId"])
    assert create(client, PrimaryMeetingId=primary)
    assert refusal(create, client, PrimaryMeetingId=primary) == LIMIT_EXCEEDED


def test_qta_02_and_08_the_251st_attendee_is_refused(root):
    client = root.meetings
    made = create(client)
    for start in (0, 100, 200):
        users = [{"ExternalUserId": f"user-{n}"} for n in range(start, min(start + 100, 251))]
        answer = client.batch_create_attendee(MeetingId=made["MeetingId"], Attendees=users)
    assert [(each["ExternalUserId"], each["ErrorCode"]) for each in answer["Errors"]] == [
        ("user-250", "ResourceLimitExceeded")]
    assert len(attendees(client, made)) == 250
    assert refusal(attend, client, made, "one more") == LIMIT_EXCEEDED


def test_qta_06_and_07_all_operations_on_meetings_share_10_a_second_after_a_burst_of_20(launch):
    """On the server's own clock: the test clock switches this rate off."""
    server = launch(test_clock=False)
    client = Clients(server).meetings
    began = time.monotonic()
    made = create(client)
    outcomes = []
    for n in range(60):
        answer = send(server, "GET", f"/meetings/{made['MeetingId']}" + ("/attendees" if n % 2 else ""))
        outcomes.append(answer.status)
        if answer.status == 429:
            assert answer.error == "ThrottlingException" and int(answer.headers["retry-after"]) >= 0
    seconds = time.monotonic() - began
    passed = outcomes.count(200) + 1
    assert set(outcomes) == {200, 429}
    assert 20 <= passed <= 20 + 10 * seconds + 1, (passed, seconds)
    identity = send(server, "POST", "/app-instances", {"Name": "n", "ClientRequestToken": token()})
    assert identity.status == 201, "what is not about meetings is not slowed down"
    time.sleep(0.6)
    assert client.get_meeting(MeetingId=made["MeetingId"])["Meeting"]
    while (last := send(server, "GET", "/meetings")).status == 200:
        pass
    assert (last.status, last.error) == (429, "ThrottledClientException"), "ListMeetings is only of 2020"
    until = time.monotonic() + 5
    while True:
        try:
            attend(client, made)
        except client.exceptions.ThrottlingException as error:
            assert (429, error.response["Error"]["Code"]) == THROTTLING
            return
        assert time.monotonic() < until, "never throttled"


def test_qta_06_the_rate_can_be_set_with_the_test_clock_too(launch):
    server = launch(env={"CHIME_THROTTLE__MEETINGS_PER_SECOND": "10", "CHIME_THROTTLE__MEETINGS_BURST": "3"})
    statuses = [send(server, "GET", "/meetings").status for _ in range(30)]
    assert statuses[:3] == [200] * 3 and 429 in statuses


def test_end_01_07_and_08_a_meeting_that_nobody_joins_ends_after_5_minutes_for_all_who_ask(own_server):
    client = Clients(own_server).meetings
    own = token()
    made = create(client, ClientRequestToken=own)
    alice = attend(client, made)
    clock.advance(own_server, minutes=4, seconds=50)
    client = Clients(own_server).meetings
    assert client.get_meeting(MeetingId=made["MeetingId"])["Meeting"] == made
    clock.advance(own_server, seconds=12)
    assert gone(client, made)
    assert refusal(client.get_attendee, MeetingId=made["MeetingId"], AttendeeId=alice["AttendeeId"]) == NOT_FOUND
    assert create(client, ClientRequestToken=own)["MeetingId"] != made["MeetingId"], "its token is free again"
    assert len(send(own_server, "GET", "/meetings").json["Meetings"]) == 1


def test_end_01_the_timer_survives_a_restart_of_the_server(launch):
    server = launch()
    client = Clients(server).meetings
    made = create(client)
    clock.advance(server, minutes=4)
    server.stop()
    server.start()
    clock.set_signing_offset(0)
    client = Clients(server).meetings
    assert client.get_meeting(MeetingId=made["MeetingId"]), "the test clock starts anew with the server"
    clock.advance(server, minutes=6)
    assert gone(Clients(server).meetings, made)
