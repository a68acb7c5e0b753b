"""A client of the signaling WebSocket that has no media: it joins, sends what it is told to, and reads what comes."""

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from . import signals

OWN = "_aws_wt_session"
WITHIN_S = 20


class Signaling:
    """One connection; `with Signaling(meeting, token) as one`."""

    def __init__(self, meeting, token):
        url = meeting["MediaPlacement"]["SignalingUrl"] + "?X-Chime-Control-Protocol-Version=3"
        self.raw = connect(url, subprotocols=[OWN, token], compression=None, proxy=None, max_size=None,
                           open_timeout=WITHIN_S, close_timeout=2).__enter__()
        assert self.raw.subprotocol == OWN

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    def send(self, kind, *fields):
        self.raw.send(signals.frame(kind, *fields))

    def frame(self, *kinds):
        """Kind and fields of the next frame, or of the next of these kinds; ConnectionClosed when there is none."""
        while True:
            kind, fields = signals.read(self.raw.recv(WITHIN_S))
            if not kinds or kind in kinds:
                return kind, fields

    def ask_to_join(self, session=77):
        self.send(signals.JOIN, (4, [(1, 2), (3, 2), (6, session)]))

    def join(self, **more):
        """Joins, and gives what it was told of the meeting's videos."""
        self.ask_to_join(**more)
        _, answer = self.frame(signals.JOIN_ACK)
        assert 3 not in answer, answer
        return self.frame(signals.INDEX)[1]

    def leave(self):
        self.send(signals.LEAVE, (11, []))
        self.frame(signals.LEAVE_ACK)

    def shows(self, offer, cameras=1):
        """Offers so many cameras; the status of the answer, if it is none of success, and the group of each camera."""
        video = [(2, [(1, 2), (2, 15), (3, 1400), (4, f"camera-{n}"), (6, 2 + n), (9, 2)]) for n in range(cameras)]
        self.send(signals.SUBSCRIBE, (6, [(1, 3), (2, [(1, 1), (6, 1), (9, 1)]), *video, (3, 0), (4, offer)]))
        _, answer = self.frame(signals.SUBSCRIBE_ACK)
        allocations = [signals.decode(each) for each in signals.decode(answer[7][0]).get(2, [])] if 7 in answer else []
        return refusal(answer), [each[2][0] for each in allocations]

    def ping(self, number, *more):
        self.send(signals.PING_PONG, (20, [(1, 1), (2, number)]), *more)

    def ponged(self):
        """The number of the next answer to a ping."""
        _, fields = self.frame(signals.PING_PONG)
        answer = signals.decode(fields[20][0])
        assert answer[1] == [2], answer
        return answer[2][0]

    def alive(self, number=1000):
        """Still taken note of: a ping is answered."""
        self.ping(number)
        while self.ponged() != number:
            pass
        return True

    def rest(self):
        """The frames until the connection is closed, and the code."""
        frames = []
        try:
            while True:
                frames.append(self.frame())
        except ConnectionClosed as closed:
            return frames, closed.rcvd.code if closed.rcvd else 1006


def refusal(fields):
    """The status of a frame that refuses something."""
    return signals.decode(fields[3][0])[1][0] if 3 in fields else None
