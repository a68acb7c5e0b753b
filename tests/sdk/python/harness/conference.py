"""What the suites of meetings share: meetings and attendees made through today's client."""

import re
import uuid

from .clients import token

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOBODY = "00000000-0000-4000-8000-000000000000"
"""The id of no meeting and of no attendee."""


def create(client, **more):
    return client.create_meeting(**{"ClientRequestToken": token(), "ExternalMeetingId": f"m-{uuid.uuid4().hex[:8]}",
                                    "MediaRegion": "us-east-1", **more})["Meeting"]


def attend(client, meeting, user="alice", **more):
    return client.create_attendee(MeetingId=meeting["MeetingId"], ExternalUserId=user, **more)["Attendee"]


def attendees(client, meeting, **more):
    """All of them, page by page, without what the pages are wrapped in."""
    found, page = [], {}
    while True:
        answer = client.list_attendees(MeetingId=meeting["MeetingId"], **more, **page)
        found += answer["Attendees"]
        if not answer.get("NextToken"):
            return found
        page = {"NextToken": answer["NextToken"]}
