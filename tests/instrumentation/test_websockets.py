"""Sessions over websockets: each response is one record equal to the bill, however the session goes on."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
import websockets.sync.client
import websockets.sync.server
from conformance.provider.server import Provider
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import baggage, context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from websockets.exceptions import ConnectionClosed

import tollspan
import tollspan.wire.response
from tollspan import wire
from tollspan.attribution import NOBODY
from tollspan.process import Place, Process
from tollspan.record import CallRecord
from tollspan.session import Session, opened

HTTP = httpx2.Client()  # no session uses it, and each client would load its own certificates
MODEL = "gpt-realtime"
NAMES = st.sampled_from(["response", "session", "usage", "id", "model", "audio", "input", "item_id", "input_tokens"])
pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")  # OpenAI's SDK does not


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(api_key="made-up", base_url=f"{url}/v1", http_client=HTTP)


def read(session: Any, *ends: str) -> None:
    for event in session:
        if event.type in ends:
            return


def responded(url: str, leave: Callable[[Any], None]) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.response.create()
        leave(session)


def realtime(url: str) -> None:
    responded(url, lambda session: read(session, "response.done"))


def realtime_twice(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        for _ in range(2):
            session.response.create()
            read(session, "response.done")


def realtime_side_by_side(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.response.create()
        session.response.create(response={"conversation": "none"})
        read(session, "response.done")
        read(session, "response.done")


def realtime_async(url: str) -> None:
    async def spoken() -> None:
        openai_client = openai.AsyncOpenAI(api_key="made-up", base_url=f"{url}/v1")
        async with openai_client.realtime.connect(model=MODEL) as session:
            await session.response.create()
            async for event in session:
                if event.type == "response.done":
                    return

    asyncio.run(spoken())


def realtime_bytes(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.response.create()
        while b"response.done" not in session.recv_bytes():
            pass


def realtime_azure(url: str) -> None:
    azure = openai.AzureOpenAI(
        api_key="made-up",
        api_version="2026-01-01",
        azure_endpoint=url,
        websocket_base_url=url.replace("http", "ws") + "/openai",
    )
    with azure.realtime.connect(model="my-realtime") as session:
        session.response.create()
        read(session, "response.done")


def realtime_unasked(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.input_audio_buffer.append(audio="AAAA" * 1000)
        session.input_audio_buffer.commit()
        read(session, "response.done")


def realtime_heard(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.input_audio_buffer.commit()
        read(session, "conversation.item.input_audio_transcription.completed")


def realtime_closed(url: str) -> None:
    responded(url, lambda session: read(session, "response.output_audio_transcript.delta"))


def realtime_closed_at_once(url: str) -> None:
    responded(url, lambda _session: None)


def realtime_raised(url: str) -> None:
    def leave(session: Any) -> None:
        read(session, "response.created")
        raise KeyError

    with pytest.raises(KeyError):
        responded(url, leave)


def realtime_cut(url: str) -> None:
    with pytest.raises(ConnectionClosed):
        responded(url, lambda session: [session.recv() for _ in range(99)])


def realtime_refused(url: str) -> None:
    responded(url, lambda session: read(session, "error"))


def realtime_silent(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": '"response.create"'}]}
        )


def realtime_after_the_end(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        session.close()
        with pytest.raises(ConnectionClosed):
            session.response.create()


def responses(url: str) -> None:
    with client(url).responses.connect() as session:
        session.response.create(model="gpt-5", input="How many?")
        read(session, "response.completed")


def responses_closed(url: str) -> None:
    with client(url).responses.connect() as session:
        session.response.create(model="gpt-5", input="How many?")
        read(session, "response.output_text.delta")


EXACT, PART = ("complete", "exact"), ("aborted", "estimated")
CASES: list[tuple[Callable[[str], None], str, list[tuple[str, str]]]] = [
    (realtime, "cached", [EXACT]),
    (realtime_twice, "cached", [EXACT, EXACT]),
    (realtime_side_by_side, "", [EXACT, EXACT]),
    (realtime_async, "cached", [EXACT]),
    (realtime_bytes, "", [EXACT]),
    (realtime_azure, "", [EXACT]),
    (realtime_unasked, "unasked", [EXACT]),
    (realtime_heard, "transcribed", [EXACT]),
    (realtime_heard, "transcribed+seconds", [EXACT]),
    (realtime, "cancelled", [("aborted", "exact")]),
    (realtime_closed, "", [PART]),
    (realtime_closed_at_once, "", [PART]),
    (realtime_raised, "", [PART]),
    (realtime_cut, "cut", [("failed", "estimated")]),
    (realtime_refused, "refused", [("failed", "unmeasured")]),
    (realtime_silent, "", []),
    (realtime_after_the_end, "", []),
    (responses, "cached", [EXACT]),
    (responses_closed, "", [PART]),
]


@pytest.fixture
def spoken(metered: Any) -> Iterator[Provider]:
    with Provider(thinking_s=0) as found:
        yield found


@pytest.mark.parametrize(("call", "traits", "expected"), CASES, ids=[f"{c[0].__name__} {c[1]}".strip() for c in CASES])
def test_each_response_is_one_record_equal_to_the_bill(
    call: Callable[[str], None], traits: str, expected: list[tuple[str, str]], spoken: Provider, metered: Any
) -> None:
    call(f"{spoken.url}/openai/case/{traits or 'plain'}")
    spans = metered.collect()
    assert [(span["tollspan.outcome"], span["tollspan.quality"]) for span in spans] == expected
    for span, billed in zip(spans, spoken.attempts, strict=False):
        assert span["gen_ai.request.model"] == billed.model
        if span["tollspan.quality"] == "exact":
            assert (span["gen_ai.usage.input_tokens"] or 0) == billed.input
            assert (span["gen_ai.usage.output_tokens"] or 0) == billed.output
            assert (span["gen_ai.usage.cache_read.input_tokens"] or 0) == billed.cache_read
            assert span["gen_ai.response.id"] == billed.response_id


def test_nothing_of_ours_is_in_the_opening_request(spoken: Provider, metered: Any) -> None:
    mine = {"X-Tollspan-Customer": "acme", "Baggage": "customer=acme", "X-Mine": "kept"}
    token = context.attach(baggage.set_baggage("customer", "acme"))
    with client(f"{spoken.url}/openai/case/plain").realtime.connect(model=MODEL, extra_headers=mine) as session:
        session.response.create()
        read(session, "response.done")
    context.detach(token)
    (headers,) = spoken.requests
    assert ("acme" in str(headers), headers["x-mine"]) == (False, "kept")
    assert [span["tollspan.customer"] for span in metered.collect()] == ["acme"]


def test_a_response_belongs_to_who_asked_for_it_and_else_to_who_opened(spoken: Provider, metered: Any) -> None:
    parent = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    with tollspan.attribute(customer="acme"):
        session = client(f"{spoken.url}/openai/case/unasked").realtime.connect(model=MODEL).enter()
    session.input_audio_buffer.commit()
    read(session, "response.done")
    with tollspan.attribute(customer="globex"), trace.use_span(NonRecordingSpan(parent)):
        session.response.create()
    read(session, "response.done")
    session.close()
    asked, unasked = sorted(metered.collect(), key=lambda span: span.parent_id, reverse=True)
    assert (unasked["tollspan.customer"], asked["tollspan.customer"]) == ("acme", "globex")
    assert asked.parent_id == "0000000000000002"


def test_what_was_said_is_the_estimate_of_a_broken_response(spoken: Provider, metered: Any) -> None:
    def say(text: str) -> None:
        content: Any = [{"type": "input_text", "text": text}, {"type": "input_audio", "audio": "AAAA" * 1000}]
        session.conversation.item.create(item={"type": "message", "role": "user", "content": content})

    with client(f"{spoken.url}/openai/case/plain").realtime.connect(model=MODEL) as session:
        say("x" * 40)
        session.response.create(response={"instructions": "y" * 20})
        read(session, "response.done")
        say("x" * 40)
        session.response.create(response={"instructions": "y" * 20})
        read(session, "response.created")
    assert metered.collect()[1]["gen_ai.usage.input_tokens"] == 25


@pytest.mark.parametrize(
    ("kind", "session"),
    [
        ("session.updated", {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}),
        ("transcription_session.updated", {"input_audio_transcription": {"model": "whisper-1"}}),
    ],
)
def test_a_transcription_is_by_the_model_that_the_session_names(kind: str, session: Any) -> None:
    recorder, heard = Kept(), "conversation.item.input_audio_transcription.completed"
    spoken = begun(recorder)
    spoken.received(json.dumps({"type": kind, "session": session}))
    spoken.received(json.dumps({"type": heard, "item_id": "i", "usage": {"type": "duration", "seconds": 3}}))
    (record,) = recorder.records
    assert (record.request_model, record.operation, record.quality) == ("whisper-1", "transcription", "exact")


def test_what_could_not_be_sent_leaves_no_gap_behind() -> None:
    expected: list[int] = []
    recorder = Kept(Process("p", expected.append))
    session = begun(recorder)
    session.unsent(session.sent('{"type": "response.create"}'))
    session.left()
    assert (recorder.outcomes, expected) == ([], [1, 0])


@pytest.mark.parametrize(("ends", "outcomes"), [(wire.abort_open, ["aborted"]), (wire.disown_open, [])])
def test_the_end_of_the_process_and_a_fork_reach_sessions_too(ends: Callable[[], None], outcomes: list[str]) -> None:
    recorder = Kept()
    session = begun(recorder)
    session.sent('{"type": "response.create"}')
    ends()
    session.left()
    assert recorder.outcomes == outcomes


def test_a_session_that_is_dropped_leaves_its_record() -> None:
    recorder = Kept()
    session = begun(recorder)
    session.sent('{"type": "response.create"}')
    del session
    gc.collect()
    assert recorder.outcomes == ["aborted"]


@pytest.mark.parametrize("target", ["/realtime", "/chat", "/v1/realtimes", "/responses?model=x"])
def test_other_websockets_pass_untouched(target: str, metered: Any) -> None:
    def echo(connection: Any) -> None:
        seen.update(connection.request.headers.items())
        for message in connection:
            connection.send(message)

    seen: dict[str, str] = {}
    said = '{"type": "response.create"}', b'{"type": "response.done", "response": {"usage": {"input_tokens": 3}}}'
    with websockets.sync.server.serve(echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}{target}"
        with websockets.sync.client.connect(url, additional_headers={"baggage": "a=b"}) as connection:
            for message in said:
                connection.send(message)
                assert connection.recv() == message
        server.shutdown()
    assert (seen["baggage"], metered.collect()) == ("a=b", [])


def test_a_session_goes_on_unmetered_after_uninstall(spoken: Provider, metered: Any) -> None:
    with client(f"{spoken.url}/openai/case/plain").realtime.connect(model=MODEL) as session:
        tollspan.uninstall(2)
        session.response.create()
        read(session, "response.done")
    assert metered.sink.spans == []


class Kept:
    """A recorder that keeps every record."""

    def __init__(self, process: Process | None = None) -> None:
        self.records: list[CallRecord] = []
        self.process = process or Process("p")

    def now_ns(self) -> int:
        return 1

    def begin(self) -> Place:
        return self.process.begin()

    def number(self) -> tuple[str, int]:
        return self.process.number()

    def emit(self, record: Any) -> None:
        self.records.append(record)

    @property
    def outcomes(self) -> list[str]:
        return [record.outcome for record in self.records]


def begun(recorder: Any) -> Session:
    where = opened("api.openai.com", f"/v1/realtime?model={MODEL}", "openai")
    assert where is not None
    return Session(where, recorder, NOBODY, wire.response.opened)


kinds = st.sampled_from(
    ["response.create", "response.created", "response.done", "error", "session.created", "response.x.delta", "x", ""]
)
documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | kinds,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
events = st.builds(lambda kind, more: {**more, "type": kind}, kinds, st.dictionaries(NAMES, documents, max_size=4))
messages = st.one_of(
    events.map(json.dumps), events.map(json.dumps).map(str.encode), st.text(max_size=9), st.binary(max_size=9)
)


@given(st.lists(st.tuples(st.booleans(), messages), max_size=8))
@settings(max_examples=80, deadline=None)
def test_whatever_is_said_no_record_is_lost_or_doubled(said: list[tuple[bool, str | bytes]]) -> None:
    recorder = Kept()
    session = begun(recorder)
    attempts = 0
    for out, message in said:
        if out:
            attempts += session.sent(message) is not None
        else:
            session.received(message)
    session.left()
    finished = len(recorder.outcomes)
    session.left()
    asked = sum(out and '"type": "response.create"}' in str(message) for out, message in said)
    assert asked <= attempts <= finished == len(recorder.outcomes)
