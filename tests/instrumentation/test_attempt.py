"""An attempt passes a stream on whole, minus the chunk that was asked for on the application's behalf, however cut."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instrumentation.recordings import Kept

from tollspan.attempt import Attempt
from tollspan.attribution import NOBODY
from tollspan.routes import route
from tollspan.sent import Sent
from tollspan.stream import EventReader

PATH = "/v1/chat/completions"
HEAD = {"id": "c1", "model": "m"}


def event(end: bytes = b"\n\n", **said: object) -> bytes:
    return b"data: " + json.dumps({**HEAD, **said}, separators=(",", ":")).encode() + end


TEXTS = [event(choices=[{"delta": {"content": f"token {number}"}, "finish_reason": None}]) for number in range(6)]
USAGE = event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 6})
LAST = event(choices=[{"delta": {}, "finish_reason": "stop"}])
STREAM = b"".join([*TEXTS[:3], event(b"\r\n\r\n", choices=[]), *TEXTS[3:], LAST, USAGE, b"data: [DONE]\n\n"])


def attempt(recorder: Kept) -> Attempt:
    found = route("POST", PATH, "openai")
    assert found is not None
    body = {"model": "m", "stream": True}
    sent = Sent("openai.chat", found, "openai", "a", PATH, body, b"", known=True, swallow_usage=True)
    begun = Attempt(sent, recorder, NOBODY)
    begun.answered(200, {"content-type": "text/event-stream"}.get)
    return begun


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_what_the_application_sees_does_not_depend_on_where_a_stream_is_cut(cuts: list[int]) -> None:
    recorder = Kept()
    reading = attempt(recorder)
    edges = [0, *sorted(cuts), len(STREAM)]
    seen = b"".join(reading.chunk(STREAM[start:end]) for start, end in itertools.pairwise(edges)) + reading.finish()
    assert seen == STREAM.replace(USAGE, b"")
    (record,) = recorder.records
    assert (record.outcome, record.quality, record.counts[:4]) == ("complete", "exact", (3, None, None, 6))


def test_an_event_that_is_held_back_comes_before_what_follows() -> None:
    reading = attempt(Kept())
    pieces = [TEXTS[0], TEXTS[1][:-1], b"\n" + TEXTS[2], TEXTS[3]]
    assert b"".join(map(reading.chunk, pieces)) + reading.finish() == b"".join(TEXTS[:4])


def test_a_reader_that_breaks_keeps_nothing_from_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventReader, "feed", lambda *_: 1 // 0)
    recorder = Kept()
    reading = attempt(recorder)
    pieces = [*TEXTS, LAST, USAGE, b"data: [DONE]\n\n"]
    assert b"".join(map(reading.chunk, pieces)) + reading.finish() == b"".join([*TEXTS, LAST, b"data: [DONE]\n\n"])
    assert [record.outcome for record in recorder.records] == ["failed"]
