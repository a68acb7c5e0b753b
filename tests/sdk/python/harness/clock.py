"""The test clock, and clients that sign by it.

There is one clock in the server: a request signed by this machine's clock is refused once the test clock has been
moved. So moving it also shifts the time at which botocore signs.
"""

import datetime

import botocore.auth

_offset = datetime.timedelta(0)


def _shifted(remove_tzinfo=True):
    now = datetime.datetime.now(datetime.timezone.utc) + _offset
    return now.replace(tzinfo=None) if remove_tzinfo else now


if hasattr(botocore.auth, "get_current_datetime"):
    botocore.auth.get_current_datetime = _shifted


def set_signing_offset(seconds):
    """Sign as if it were this many seconds later than it is."""
    global _offset
    _offset = datetime.timedelta(seconds=seconds)


def signing_now():
    """The time clients sign with, an aware UTC datetime."""
    return _shifted(remove_tzinfo=False)


def parse_time(value):
    """An aware datetime from an ISO 8601 string or epoch seconds."""
    if isinstance(value, (int, float)):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


def server_now(server):
    """What the server's clock says."""
    import json

    status, _, body = server.http("GET", "/_chime/clock")
    assert status == 200, f"GET /_chime/clock answered {status}: {body!r}"
    return parse_time(json.loads(body)["Now"])


def follow(server):
    """Sign by the server's clock from now on."""
    real = datetime.datetime.now(datetime.timezone.utc)
    offset = (server_now(server) - real).total_seconds()
    set_signing_offset(offset if abs(offset) > 2 else 0)


def advance(server, *, seconds=0, minutes=0, hours=0, days=0):
    """Move the server's clock and wait until all that fell due has run; clients follow."""
    total = seconds + 60 * minutes + 3600 * hours + 86400 * days
    before = server_now(server)
    status, _, body = server.http("POST", "/_chime/clock", {"AdvanceSeconds": total},
                                  {"Content-Type": "application/json"}, timeout=120)
    assert status == 200, f"POST /_chime/clock answered {status}: {body!r}"
    moved = (server_now(server) - before).total_seconds()
    assert total <= moved < total + 30, f"asked for {total} s, the clock moved {moved} s"
    follow(server)
