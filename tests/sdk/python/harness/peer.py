"""An attendee that is no browser: aiortc, another implementation of WebRTC than the browser's and than ours."""

import asyncio
import contextlib
import fractions
import math
import ssl
from array import array

import av
import websockets
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from . import signals

RATE = 48_000
SAMPLES = 960
WITHIN_S = 20


class Tone(MediaStreamTrack):
    """A steady tone, in real time."""

    kind = "audio"

    def __init__(self, hertz):
        super().__init__()
        self.hertz, self.at, self.begun = hertz, 0, None

    async def recv(self):
        loop = asyncio.get_running_loop()
        self.begun = self.begun or loop.time()
        await asyncio.sleep(max(0, self.begun + self.at / RATE - loop.time()))
        step = 2 * math.pi * self.hertz / RATE
        pcm = array("h", (int(9000 * math.sin(step * (self.at + n))) for n in range(SAMPLES)))
        sound = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        sound.planes[0].update(pcm.tobytes())
        sound.pts, sound.sample_rate, sound.time_base = self.at, RATE, fractions.Fraction(1, RATE)
        self.at += SAMPLES
        return sound


class Picture(MediaStreamTrack):
    """A grey that is told by its brightness, ten times a second."""

    kind = "video"

    def __init__(self, brightness):
        super().__init__()
        self.brightness, self.number = brightness, 0

    async def recv(self):
        await asyncio.sleep(0.1)
        picture = av.VideoFrame(320, 240, "yuv420p")
        for plane, value in zip(picture.planes, (self.brightness, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        picture.pts, picture.time_base = self.number * 9000, fractions.Fraction(1, 90_000)
        self.number += 1
        return picture


def loudness(pcm, hertz):
    """Amplitude of a frequency in samples of 16 bits, by Goertzel's way."""
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in pcm:
        one, two = sample + factor * one - two, one
    power = one * one + two * two - factor * one * two
    return 2 * math.sqrt(max(power, 0)) / max(len(pcm), 1)


class Peer:
    """One attendee: `async with Peer(...) as peer`."""

    def __init__(self, meeting, attendee, *, hertz=None, brightness=None, ca=None):
        self.url, self.ca = meeting["MediaPlacement"]["SignalingUrl"], ca
        self.attendee = attendee
        self.connection = RTCPeerConnection()
        self.connection.addTrack(Tone(hertz or 1))
        self.brightness = brightness
        self.video = self.connection.addTransceiver(
            Picture(brightness) if brightness is not None else "video",
            direction="sendonly" if brightness is not None else "inactive")
        self.sound, self.pictures, self.tasks = array("h"), [], []
        self.frames, self.roster, self.sources = {}, {}, {}
        self.news = asyncio.Condition()

        @self.connection.on("track")
        def on_track(track):
            listen = self.listen if track.kind == "audio" else self.watch
            self.tasks.append(asyncio.ensure_future(listen(track)))

    async def __aenter__(self):
        trust = ssl.create_default_context(cafile=str(self.ca)) if self.url.startswith("wss:") else None
        self.socket = await websockets.connect(
            self.url + "?X-Chime-Control-Protocol-Version=3", ssl=trust,
            subprotocols=["_aws_wt_session", self.attendee["JoinToken"]])
        assert self.socket.subprotocol == "_aws_wt_session"
        self.tasks.append(asyncio.ensure_future(self.read()))
        await self.socket.send(signals.frame(signals.JOIN, (4, [(1, 2), (3, 2), (6, 77)])))
        joined = await self.came(signals.JOIN_ACK)
        assert 3 not in joined, joined
        await self.came(signals.INDEX)
        await self.subscribe([0])
        await self.until(lambda: self.connection.connectionState == "connected", "the connection")
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(websockets.ConnectionClosed):
            await self.socket.send(signals.frame(signals.LEAVE, (11, [])))
            await self.came(signals.LEAVE_ACK)
        for task in self.tasks:
            task.cancel()
        await self.socket.close()
        await self.connection.close()

    async def subscribe(self, streams):
        """Offers what there is, and asks for these streams in the sections of video."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        sends = [(2, [(1, 1), (2, 15), (3, 600), (4, "AmazonChimeExpressAudio"), (6, 1), (9, 1)])]
        if self.brightness is not None:
            sends.append((2, [(1, 2), (2, 15), (3, 1400), (4, "AmazonChimeExpressVideo"), (6, 2), (9, 2)]))
        self.frames.pop(signals.SUBSCRIBE_ACK, None)
        await self.socket.send(signals.frame(signals.SUBSCRIBE, (6, [
            (1, 3), *sends, *((3, stream) for stream in streams), (4, self.connection.localDescription.sdp)])))
        answer = await self.came(signals.SUBSCRIBE_ACK)
        assert 3 not in answer, answer
        self.answer = signals.decode(answer[7][0])[3][0].decode()
        await self.connection.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    async def receive(self, attendee):
        """Subscribes to the video of an attendee."""
        await self.until(lambda: attendee["AttendeeId"] in self.sources, "the source")
        self.connection.addTransceiver("video", direction="recvonly")
        await self.subscribe([0, self.sources[attendee["AttendeeId"]]])

    async def read(self):
        async for message in self.socket:
            kind, fields = signals.read(message)
            self.frames[kind] = fields
            if kind == signals.INDEX:
                sources = map(signals.decode, signals.decode(fields[8][0]).get(2, []))
                self.sources = {each[8][0].decode(): each[1][0] for each in sources}
            elif kind == signals.AUDIO_STREAM_ID_INFO:
                for stream in map(signals.decode, signals.decode(fields[19][0]).get(1, [])):
                    self.roster[stream[1][0]] = stream.get(2, [b""])[0].decode()
            await self.tell()

    async def listen(self, track):
        while True:
            sound = await track.recv()
            pcm = array("h", bytes(sound.planes[0])[:2 * sound.samples * len(sound.layout.channels)])
            self.sound.extend(pcm[::len(sound.layout.channels)])
            await self.tell()

    async def watch(self, track):
        while True:
            picture = await track.recv()
            plane = picture.planes[0]
            self.pictures.append(bytes(plane)[plane.line_size * (picture.height // 2) + picture.width // 2])
            await self.tell()

    async def tell(self):
        async with self.news:
            self.news.notify_all()

    async def came(self, kind):
        await self.until(lambda: kind in self.frames, f"frame {kind}")
        return self.frames[kind]

    async def until(self, holds, what):
        async def wait():
            while not holds():
                with contextlib.suppress(TimeoutError):
                    async with self.news:
                        await asyncio.wait_for(self.news.wait(), 0.1)

        try:
            await asyncio.wait_for(wait(), WITHIN_S)
        except TimeoutError:
            raise AssertionError(f"{what} did not come within {WITHIN_S} s") from None

    async def hear(self, seconds, *frequencies):
        """Amplitudes of these frequencies in what is heard from now on."""
        begin, count = len(self.sound), int(seconds * RATE)
        await self.until(lambda: len(self.sound) >= begin + count, "sound")
        pcm = self.sound[begin:begin + count]
        return [loudness(pcm, hertz) for hertz in frequencies]


def an_offer():
    """What a client with a microphone and a camera offers. It is never connected."""
    async def make():
        connection = RTCPeerConnection()
        connection.addTrack(Tone(440))
        connection.addTransceiver(Picture(100), direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        return connection.localDescription.sdp

    return asyncio.run(make())
