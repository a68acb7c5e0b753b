"""What the suites of streaming export share."""

import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from .clients import Clients, token
from .kinesis import ACCOUNT, REGION


def arn(name):
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def stream(world, **names):
    """Stream data types to streams: `stream(world, Channel="chime-messaging-a")`."""
    world.messaging.put_messaging_streaming_configurations(
        AppInstanceArn=world.app,
        StreamingConfigurations=[{"DataType": kind, "ResourceArn": arn(name)} for kind, name in names.items()])


def eventually(look, within=20.0):
    """The first true answer of `look`, which is asked until then."""
    until = time.monotonic() + within
    while True:
        if found := look():
            return found
        assert time.monotonic() < until, f"still {look()!r} after {within} s"
        time.sleep(0.05)


def contents(events):
    return [event["Payload"]["Content"] for event in events if event["EventType"] == "CREATE_CHANNEL_MESSAGE"]


def first_arrivals(events, channel):
    """The numbers sent to a channel in the order of their first arrival, and how many arrived in all."""
    numbers = [int(event["Payload"]["Content"]) for event in events
               if event["EventType"] == "CREATE_CHANNEL_MESSAGE" and event["Payload"]["ChannelArn"] == channel]
    return list(dict.fromkeys(numbers)), len(numbers)


class Load:
    """Senders to one channel each, until they are stopped or the server dies; they note what was acknowledged."""

    def __init__(self, world, bearer, channels, begin=0):
        self.acknowledged, self.unexpected = {channel: [] for channel in channels}, []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(world.clients.server, bearer, channel, begin))
                         for channel in channels]
        for each in self._threads:
            each.start()

    def _run(self, server, bearer, channel, serial):
        messaging = Clients(server).messaging
        while not self._stop.is_set():
            serial += 1
            try:
                messaging.send_channel_message(ChannelArn=channel, Content=str(serial), Type="STANDARD",
                                               Persistence="PERSISTENT", ChimeBearer=bearer,
                                               ClientRequestToken=token())
            except BotoCoreError:
                return
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 429:
                    self.unexpected.append(error)
                    return
                time.sleep(0.05)
                continue
            self.acknowledged[channel].append(serial)

    def stop(self):
        self._stop.set()
        for each in self._threads:
            each.join(30)
        assert not self.unexpected, self.unexpected
        return self.acknowledged
