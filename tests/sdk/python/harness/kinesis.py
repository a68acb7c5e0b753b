"""Moto's Kinesis, and a proxy before it that refuses as it is told."""

import http.client
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config

from .server import free_ports

REGION, ACCOUNT = "us-east-1", "123456789012"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDKINESIS", "AWS_SECRET_ACCESS_KEY": "secret"}


class Kinesis:
    """A Kinesis of its own, with a client of it."""

    def __init__(self):
        program = os.environ.get("CHIME_MOTO_SERVER")
        if not program:
            raise RuntimeError("set CHIME_MOTO_SERVER to moto's moto_server (make test-sdk does it)")
        [self.port] = free_ports(1)
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = boto3.client("kinesis", endpoint_url=f"http://127.0.0.1:{self.port}", region_name=REGION,
                                   aws_access_key_id="a", aws_secret_access_key="b",
                                   config=Config(retries={"total_max_attempts": 1}))
        until = time.monotonic() + 30
        while True:
            try:
                self.client.list_streams()
                return
            except Exception:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def stream(self, name, *, shards=2, encrypted=True):
        """Make a stream; gives its name."""
        self.client.create_stream(StreamName=name, ShardCount=shards)
        self.client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        if encrypted:
            self.client.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
        return name

    def records(self, name):
        """Everything in a stream with its partition key; of one key in the order of arrival."""
        found = []
        for shard in self.client.describe_stream(StreamName=name)["StreamDescription"]["Shards"]:
            iterator = self.client.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"],
                                                      ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            while iterator:
                page = self.client.get_records(ShardIterator=iterator, Limit=1000)
                found += [(record["PartitionKey"], json.loads(record["Data"])) for record in page["Records"]]
                iterator = page.get("NextShardIterator") if page["MillisBehindLatest"] or page["Records"] else None
        return found

    def events(self, name):
        return [event for _, event in self.records(name)]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Proxy:
    """Passes calls on to Kinesis, unless `mode` says otherwise: `down`, `throttle`, `deny`, or `part`, which refuses
    every other record of a call."""

    def __init__(self, kinesis):
        self.mode, self.refused = "pass", 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.answer(self, body, kinesis.port)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, body, port):
        puts = handler.headers["X-Amz-Target"].endswith("PutRecords")
        mode = self.mode
        if mode == "down":
            self.refused += 1
            handler.close_connection = True
            return
        if puts and mode in ("throttle", "deny"):
            self.refused += 1
            kind = "ProvisionedThroughputExceededException" if mode == "throttle" else "AccessDeniedException"
            return self.reply(handler, 400, json.dumps({"__type": kind, "message": mode}).encode())
        withheld = []
        if puts and mode == "part":
            call = json.loads(body)
            withheld = list(range(self.refused % 2, len(call["Records"]), 2))
            self.refused += 1
            call["Records"] = [each for n, each in enumerate(call["Records"]) if n not in withheld]
            body = json.dumps(call).encode()
            if not call["Records"]:
                return self.merged(handler, {"Records": []}, withheld)
        backend = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "content-length"}
        backend.request("POST", "/", body, headers)
        answer = backend.getresponse()
        text = answer.read()
        if withheld:
            return self.merged(handler, json.loads(text), withheld)
        self.reply(handler, answer.status, text)

    def merged(self, handler, answer, withheld):
        records, code = list(answer["Records"]), "ProvisionedThroughputExceededException"
        for n in withheld:
            records.insert(n, {"ErrorCode": code, "ErrorMessage": "part"})
        self.reply(handler, 200, json.dumps({"FailedRecordCount": len(withheld), "Records": records}).encode())

    @staticmethod
    def reply(handler, status, body):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/x-amz-json-1.1")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def stop(self):
        self.server.shutdown()
