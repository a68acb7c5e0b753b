"""Clients of December 2020: one `chime` namespace, host prefixes. Names ending in `.test` resolve inside this process,
as an operator's DNS would do it for NAME, identity-NAME and messaging-NAME."""

import contextlib
import socket
import uuid

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

NAME = "chime.test"
_getaddrinfo = socket.getaddrinfo


@contextlib.contextmanager
def names():
    """NAME, identity-NAME and messaging-NAME resolve to loopback; others as ever."""
    def resolve(host, *args, **kwargs):
        if host in (NAME, "identity-" + NAME, "messaging-" + NAME):
            host = "127.0.0.1"
        return _getaddrinfo(host, *args, **kwargs)

    socket.getaddrinfo = resolve
    yield
    socket.getaddrinfo = _getaddrinfo


def client(server, service="chime", keys=None, bearer=None, endpoint=None, **options):
    """A client of that time; with `bearer`, the header is put in before signing as the sample application did it."""
    access_key, secret_key, session = (*(keys or server.root), None)[:3]
    made = boto3.session.Session().client(
        service, region_name="us-east-1", endpoint_url=endpoint or f"http://{NAME}:{server.port}",
        aws_access_key_id=access_key, aws_secret_access_key=secret_key, aws_session_token=session,
        config=botocore.config.Config(retries={"max_attempts": 0}, **options))
    if bearer:
        def put_bearer(request, **_):
            request.headers["x-amz-chime-bearer"] = bearer

        made.meta.events.register_first("before-sign.chime", put_bearer)
    return made


def token():
    return uuid.uuid4().hex


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
