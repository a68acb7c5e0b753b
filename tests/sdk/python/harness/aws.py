"""Moto's server, which plays services of AWS, and a recorder before it that checks signatures and may refuse."""

import collections
import http.client
import json
import os
import subprocess
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from .server import free_ports

REGION, ACCOUNT = "us-east-1", "123456789012"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDOFTHESERVER", "AWS_SECRET_ACCESS_KEY": "secret"}


class Moto:
    """A moto of its own; `of("sqs")` is a client of one of its services."""

    def __init__(self):
        program = os.environ.get("CHIME_MOTO_SERVER")
        if not program:
            raise RuntimeError("set CHIME_MOTO_SERVER to moto's moto_server (make test-sdk does it)")
        [self.port] = free_ports(1)
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            try:
                self.of("kinesis").list_streams()
                return
            except Exception:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def of(self, service):
        return boto3.client(service, endpoint_url=f"http://127.0.0.1:{self.port}", region_name=REGION,
                            aws_access_key_id="a", aws_secret_access_key="b",
                            config=Config(retries={"total_max_attempts": 1}))

    def stop(self):
        self.process.kill()
        self.process.wait()


class Queue:
    """A queue of moto's, and what has arrived in it."""

    def __init__(self, moto, name=None):
        self.sqs = moto.of("sqs")
        self.name = name or f"q-{uuid.uuid4().hex[:12]}"
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.taken = []

    def bodies(self):
        """Everything that arrived since it was made, as objects."""
        while found := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self.taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.taken

    def wait(self, count, within=15):
        """The same once there are so many."""
        until = time.monotonic() + within
        while len(self.bodies()) < count:
            assert time.monotonic() < until, f"{len(self.taken)} of {count} arrived: {self.taken}"
            time.sleep(0.05)
        return self.taken


class Topic:
    """A topic of moto's with a queue behind it."""

    def __init__(self, moto):
        sns = moto.of("sns")
        self.queue = Queue(moto)
        self.arn = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=self.queue.arn,
                      Attributes={"RawMessageDelivery": "true"})


class Bus:
    """A bus of moto's with a queue behind it, which gets what has the source `aws.chime`."""

    def __init__(self, moto):
        events = moto.of("events")
        self.queue, self.name = Queue(moto), f"bus-{uuid.uuid4().hex[:12]}"
        events.create_event_bus(Name=self.name)
        events.put_rule(Name="all", EventBusName=self.name, EventPattern=json.dumps({"source": ["aws.chime"]}))
        events.put_targets(Rule="all", EventBusName=self.name, Targets=[{"Id": "q", "Arn": self.queue.arn}])


class Recorder:
    """Passes calls on to moto and notes them. `modes[service]` may be `down`, `deny`, `throttle` or `stuck`."""

    def __init__(self, moto):
        self.modes, self.actions, self.unsigned = {}, collections.defaultdict(list), []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                recorder.answer(self, self.rfile.read(int(self.headers["Content-Length"])), moto.port)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def signed(self, handler, body):
        """The service and region of a signature, which is made again by the published client and compared."""
        given = handler.headers.get("Authorization", "")
        scope = given.partition("Credential=")[2].partition(",")[0].split("/")
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        if len(scope) != 5 or scope[0] != KEYS["AWS_ACCESS_KEY_ID"]:
            return None
        request = AWSRequest("POST", self.url + handler.path, data=body,
                             headers={name: handler.headers[name] for name in names})
        request.context["timestamp"] = handler.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]), scope[3], scope[2])
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        return (scope[3], scope[2]) if given.endswith(f"Signature={signature}") else None

    def answer(self, handler, body, port):
        found = self.signed(handler, body)
        if found is None:
            self.unsigned.append(dict(handler.headers))
        service = found[0] if found else "unsigned"
        target = handler.headers.get("X-Amz-Target")
        form = urllib.parse.parse_qs(body.decode()) if target is None else {}
        self.actions[service].append(target.rpartition(".")[2] if target else form.get("Action", ["?"])[0])
        mode = self.modes.get(service, "pass")
        if mode == "stuck":
            time.sleep(30)
        if mode in ("down", "stuck"):
            handler.close_connection = True
            return None
        if mode in ("deny", "throttle"):
            kind = "AccessDenied" if mode == "deny" else "ThrottlingException"
            return self.reply(handler, 403 if mode == "deny" else 400, json.dumps({"__type": kind}).encode())
        backend = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "content-length"}
        backend.request("POST", handler.path, body, headers)
        answer = backend.getresponse()
        return self.reply(handler, answer.status, answer.read())

    @staticmethod
    def reply(handler, status, body):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
