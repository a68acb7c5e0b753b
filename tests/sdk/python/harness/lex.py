"""Lex's runtime, played: it checks signatures and answers `RecognizeText` as a test says."""

import json
import types
import urllib.parse

from .aws import Recorder


class Lex(Recorder):
    """Its bots answer with `says`, or refuse with the status in `status`; `turns` has what they were told."""

    def __init__(self):
        super().__init__(types.SimpleNamespace(port=0))
        self.turns, self.says, self.status = [], {}, 200

    def answer(self, handler, body, _):
        found = self.signed(handler, body)
        if found is None:
            self.unsigned.append(dict(handler.headers))
        told = json.loads(body)
        self.turns.append({"signed": found, "path": urllib.parse.unquote(handler.path), **told})
        if self.status != 200:
            return self.reply_with(handler, self.status, {"message": "no"})
        session = handler.path.split("/sessions/")[1].split("/")[0]
        message = {"content": f"you said {told['text']}", "contentType": "PlainText"}
        state = {"intent": {"name": "Echo", "state": "Fulfilled"}}
        return self.reply_with(handler, 200, {
            "sessionId": session, "messages": [message], "sessionState": state, **self.says})

    @staticmethod
    def reply_with(handler, status, answer):
        return Recorder.reply(handler, status, json.dumps(answer).encode())
