"""boto3 clients pointed at one server, and requests signed by hand."""

import http.client
import json
import urllib.parse
import uuid

import boto3
import botocore.config
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

REGION = "us-east-1"
_session = boto3.session.Session()


def config(**more):
    """No retries, so that a test sees the first answer; short enough time-outs to notice a hang."""
    options = {"retries": {"total_max_attempts": 1, "mode": "standard"}, "connect_timeout": 5, "read_timeout": 60,
               "parameter_validation": True, **more}
    return botocore.config.Config(**options)


class Keys:
    """An access key: permanent, or temporary when it has a token."""

    def __init__(self, access_key, secret_key, token=None):
        self.access_key, self.secret_key, self.token = access_key, secret_key, token

    @classmethod
    def of(cls, answer):
        """From an IAM `AccessKey` or an STS `Credentials` structure."""
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("SessionToken"))

    def botocore(self):
        return Credentials(self.access_key, self.secret_key, self.token)


class Clients:
    """The services, signed with one key."""

    def __init__(self, server, keys=None, *, endpoint=None, **options):
        self.server = server
        self.keys = keys or Keys(*server.root)
        self.endpoint = endpoint or server.url
        self.options = options
        self._made = {}

    def client(self, service, **options):
        merged = {**self.options, **options}
        verify = merged.pop("verify", None)
        return _session.client(service, endpoint_url=self.endpoint, region_name=merged.pop("region", REGION),
                               aws_access_key_id=self.keys.access_key, aws_secret_access_key=self.keys.secret_key,
                               aws_session_token=self.keys.token, config=config(**merged), verify=verify)

    def _cached(self, service):
        if service not in self._made:
            self._made[service] = self.client(service)
        return self._made[service]

    @property
    def identity(self):
        return self._cached("chime-sdk-identity")

    @property
    def messaging(self):
        return self._cached("chime-sdk-messaging")

    @property
    def meetings(self):
        return self._cached("chime-sdk-meetings")

    @property
    def sts(self):
        return self._cached("sts")

    @property
    def iam(self):
        return self._cached("iam")


class Answer:
    """A raw HTTP answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The exception name of `x-amzn-ErrorType`."""
        return self.headers.get("x-amzn-ErrorType")

    def __repr__(self):
        return f"<{self.status} {self.error} {self.body[:300]!r}>"


def quoted(label):
    """A URI label as the AWS clients encode it (wire.md W-04)."""
    return urllib.parse.quote(label, safe="-._~")


def sign(server, method, target, body=b"", headers=None, *, keys=None, service="chime", region=REGION, bearer=None,
         host=None):
    """The headers of a correctly signed request."""
    keys = keys or Keys(*server.root)
    all_headers = dict(headers or {})
    if bearer:
        all_headers["x-amz-chime-bearer"] = bearer
    host = host or f"127.0.0.1:{server.port}"
    request = AWSRequest(method=method, url=f"http://{host}{target}", data=body, headers=all_headers)
    SigV4Auth(keys.botocore(), service, region).add_auth(request)
    signed = dict(request.headers.items())
    signed["Host"] = host
    return signed


def send(server, method, target, body=None, headers=None, **signing):
    """One signed request; the body is bytes as they are, or an object sent as JSON."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = sign(server, method, target, data, headers, **signing)
    return exchange(server, method, target, data, signed)


def exchange(server, method, target, data, headers, timeout=30):
    """Send exactly this and read the answer, also when the server closes its ear early."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if not any(name.lower() in ("content-length", "transfer-encoding") for name in headers) and (
                data or method not in ("GET", "DELETE")):
            connection.putheader("Content-Length", str(len(data)))
        try:
            connection.endheaders(data or None)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def presign(url, keys, *, expires=10, params=None, service="chime", region=REGION):
    """A query-signed URL over `host` alone, as the Connect call wants it."""
    request = AWSRequest(method="GET", url=url, params=params or {})
    SigV4QueryAuth(keys.botocore(), service, region, expires=expires).add_auth(request)
    return request.url


def token():
    """A fresh client request token."""
    return uuid.uuid4().hex


def refusal(call, *args, **kwargs):
    """The error a call is refused with; the test fails if it is not refused."""
    try:
        answer = call(*args, **kwargs)
    except ClientError as error:
        return Refusal(error)
    raise AssertionError(f"the call was expected to be refused, it answered {answer}")


class Refusal:
    """The code, status and text of a refused call."""

    def __init__(self, error):
        self.error = error
        self.code = error.response["Error"]["Code"]
        self.message = error.response["Error"].get("Message", "")
        self.status = error.response["ResponseMetadata"]["HTTPStatusCode"]

    def __eq__(self, other):
        return (self.status, self.code) == other

    def __repr__(self):
        return f"({self.status}, {self.code!r}): {self.message}"


BAD_REQUEST = (400, "BadRequestException")
RESOURCE_LIMIT = (400, "ResourceLimitExceededException")
UNAUTHORIZED = (401, "UnauthorizedClientException")
FORBIDDEN = (403, "ForbiddenException")
ACCESS_DENIED = (403, "AccessDeniedException")
NOT_FOUND = (404, "NotFoundException")
CONFLICT = (409, "ConflictException")
THROTTLED = (429, "ThrottledClientException")

# What `chime-sdk-meetings` calls differently.
LIMIT_EXCEEDED = (400, "LimitExceededException")
RESOURCE_NOT_FOUND = (404, "ResourceNotFoundException")
UNPROCESSABLE = (422, "UnprocessableEntityException")
THROTTLING = (429, "ThrottlingException")
