"""Moto's Kinesis, and a proxy before it that refuses as it is told."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .aws import ACCOUNT, KEYS, REGION, Moto

__all__ = ["ACCOUNT", "KEYS", "REGION", "Kinesis", "Proxy"]


class Kinesis(Moto):
    """A Kinesis of its own, with a client of it."""

    def __init__(self):
        super().__init__()
        self.client = self.of("kinesis")

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
