#!/usr/bin/env python3
"""Which operations does the server implement? Sends every route of operations.tsv and reads the answer.

Each request is signed by the root key, with made-up labels and an empty JSON body, so nearly all of them are refused;
what counts is who refuses. 404 UnknownOperationException means that the operation is not built; any 5xx is a defect;
everything else shows that the operation was recognised. Exits non-zero on any 5xx, and when an operation of identity,
messaging or meetings, or a legacy operation on the same route or of `OF_2020`, is unknown and not one of `NOT_YET`.

Needs CHIME_SERVER_BIN and the environment of python/requirements-current.txt.
"""

import csv
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "python"))

from harness.clients import quoted, send
from harness.server import ChimeServer

APP = "arn:aws:chime:us-east-1:123456789012:app-instance/11111111-2222-4333-8444-555555555555"
CORE = ("chime-sdk-identity", "chime-sdk-messaging", "chime-sdk-meetings")
OF_2020 = {"ListMeetings", "TagMeeting", "UntagMeeting", "ListMeetingTags", "TagAttendee", "UntagAttendee",
           "ListAttendeeTags"}
"""Operations that only the legacy namespace has, and that are built."""
NOT_YET = set()
"""Operations of these that may be unknown."""
HOSTS = {"chime-sdk-identity": "identity-chime.test", "chime-sdk-messaging": "messaging-chime.test",
         "chime-sdk-meetings": "meetings-chime.test", "chime-sdk-voice": "voice-chime.test",
         "chime-sdk-media-pipelines": "media-pipelines-chime.test"}
LABELS = {"appInstanceArn": APP, "channelArn": APP + "/channel/c", "channelFlowArn": APP + "/channel-flow/f",
          "appInstanceBotArn": APP + "/bot/b"}


def label(name):
    """A value that fits the label's kind, encoded as the clients do it."""
    if name in LABELS:
        return quoted(LABELS[name])
    return quoted(APP + "/user/u" if name.lower().endswith("arn") else "11111111-2222-4333-8444-555555555555")


def route(row):
    """Method and path with literal query, labels without names: what makes two operations the same route."""
    return row["method"], re.sub(r"\{[^}]*\}", "{}", row["uri"])


def classify(answer):
    if answer.status >= 500:
        return "5xx"
    if answer.status == 404 and (answer.error or "").startswith("UnknownOperation"):
        return "unknown"
    return "implemented"


def main():
    with open(HERE / "operations.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    owners = {route(row): row["service"] for row in rows if row["service"] in CORE}
    required = {route(row) for row in rows if row["service"] in CORE and row["operation"] not in NOT_YET}
    found, defects, missing = Counter(), [], []
    with tempfile.TemporaryDirectory() as folder:
        server = ChimeServer(Path(folder) / "data", database="memory:").start()
        try:
            for row in rows:
                target = re.sub(r"\{([^}]*)\}", lambda match: label(match[1].rstrip("+")), row["uri"])
                owner = owners.get(route(row), row["service"])
                body = b"{}" if row["method"] in ("POST", "PUT", "PATCH") else None
                answer = send(server, row["method"], target, body, host=HOSTS.get(owner, "chime.test"))
                outcome = classify(answer)
                found[row["service"], row["scope"], outcome] += 1
                name = f"{row['service']}:{row['operation']}"
                if outcome == "5xx":
                    defects.append(f"{name} {answer}")
                elif outcome == "unknown" and row["service"] in (*CORE, "chime-legacy") and (
                        route(row) in required or row["operation"] in OF_2020):
                    missing.append(name)
        finally:
            server.stop()
    report(found, defects, missing)
    return 1 if defects or missing else 0


def report(found, defects, missing):
    print(f"{'service':28}{'scope':9}{'implemented':>12}{'unknown':>9}{'5xx':>5}")
    for service, scope in sorted({key[:2] for key in found}):
        counts = [found[service, scope, outcome] for outcome in ("implemented", "unknown", "5xx")]
        print(f"{service:28}{scope:9}{counts[0]:>12}{counts[1]:>9}{counts[2]:>5}")
    for each in defects:
        print(f"5xx: {each}")
    for each in missing:
        print(f"required and unknown: {each}")
    total = Counter()
    for (_, _, outcome), count in found.items():
        total[outcome] += count
    print(f"coverage: {total['implemented']} implemented, {total['unknown']} unknown, {total['5xx']} 5xx; "
          f"{len(missing)} required operations missing")


if __name__ == "__main__":
    sys.exit(main())
