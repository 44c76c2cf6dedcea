"""One HTTP attempt of an LLM call, from the request to the end of its body; ends as exactly one record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from tollspan import estimate
from tollspan.attribution import Attribution
from tollspan.guarded import guarded
from tollspan.process import identify
from tollspan.record import CallRecord
from tollspan.routes import Route, deployment, provider_of
from tollspan.semconv import Outcome, Quality, UsageApi
from tollspan.stream import Answer, EventReader
from tollspan.usage import TokenCounts, normalise

HTTP_ERROR = 400
RETRY_COUNT_HEADER = "x-stainless-retry-count"  # sent by the official SDKs with every attempt
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id")

# Errors after which the provider cannot have seen the request; by name, because no HTTP library is imported here.
UNSENT = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"),
        *("ClientConnectorError", "NewConnectionError", "ConnectTimeoutError", "NameResolutionError"),
    }
)
NOBODY_THERE = "NewConnectionError"  # of urllib3, where it is a kind of timeout
TIMEOUTS = frozenset({"TimeoutException", "TimeoutError"})

# First attempt of the logical call that this task or thread is in: fingerprint of the request, record id.
_first: ContextVar[tuple[bytes, str] | None] = ContextVar("tollspan_first_attempt", default=None)


class Recorder(Protocol):
    """What an attempt needs of its surroundings."""

    def now_ns(self) -> int:
        """Return the time in nanoseconds since the epoch."""
        ...

    def begin(self) -> Callable[[], None]:
        """Note that a call begins; return what is to be called once when it has ended."""
        ...

    def number(self) -> tuple[str, int]:
        """Return the process id and the next sequence number."""
        ...

    def emit(self, record: CallRecord) -> None:
        """Take a finished record."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it goes out: where to, its JSON body, and whether usage was asked for on the caller's behalf."""

    api: UsageApi
    route: Route
    host: str
    path: str
    body: Mapping[str, Any]
    raw_body: bytes
    retries: int
    swallow_usage: bool = False
    keyed_fingerprint: str | None = None

    @property
    def model(self) -> str | None:
        """The model asked for: from the body, else an Azure deployment."""
        model = self.body.get("model")
        return model if isinstance(model, str) and model else deployment(self.path)

    @property
    def fingerprint(self) -> bytes:
        """The same for every attempt of one logical call."""
        about = f"{self.host} {self.path} ".encode()
        return hashlib.blake2b(about + self.raw_body, digest_size=16).digest()


class Attempt:
    """An attempt under way. ``whose`` and the ids hold from now, when the request is sent; nothing here raises."""

    def __init__(self, sent: Sent, recorder: Recorder, whose: Attribution) -> None:
        self._sent = sent
        self._recorder = recorder
        self._leave = recorder.begin()
        self._start_ns = recorder.now_ns()
        self._identity = identify(self._start_ns)
        self._attribution = whose
        self._retry_of = self._linked()
        self._answer = Answer()
        self._reader: EventReader | None = None
        self._body = bytearray()
        self._status: int | None = None
        self._request_id: str | None = None
        self._first_chunk_ns: int | None = None
        self._done = False
        self.reading = False

    @guarded
    def answered(self, status: int, header: Callable[[str], str | None]) -> None:
        """Note the answer's head; ``header`` looks a response header up, case-insensitively."""
        self._status = status
        self._request_id = next((found for name in REQUEST_ID_HEADERS if (found := header(name))), None)
        if status < HTTP_ERROR and (header("content-type") or "").startswith("text/event-stream"):
            self._reader = EventReader(self._answer, swallow_usage=self._sent.swallow_usage)

    def chunk(self, data: bytes) -> bytes:
        """Read a decoded piece of the body as it passes; return what the application may see of it."""
        seen = self._chunk(data)
        return data if seen is None else seen

    @guarded
    def _chunk(self, data: bytes) -> bytes:
        if self._first_chunk_ns is None:
            self._first_chunk_ns = self._recorder.now_ns()
        if self._reader is not None:
            return self._reader.feed(data)
        self._body += data
        return data

    def finish(self) -> bytes:
        """Note that the body came to its end; return what was held back of it."""
        held = b"" if self._reader is None else guarded(self._reader.rest)() or b""
        self._finish()
        return held

    @guarded
    def _finish(self) -> None:
        if self._reader is None:
            self._answer.absorb(_json(bytes(self._body)))
            self._end("complete")
            return
        usage_is_last = self._answer.usage and self._sent.api != "anthropic.messages"
        known = self._answer.terminal or self._answer.finish_reasons or usage_is_last
        self._end("complete" if known else "failed", None if known else "incomplete_stream")

    @guarded
    def fail(self, error: BaseException) -> None:
        """End with an exception: the application's own (cancel, close) aborts, a transport's fails."""
        names = {kind.__name__ for one in _of(error) for kind in type(one).__mro__}
        if not isinstance(error, Exception):
            self._end("aborted", None, sent=True)
            return
        timed_out = names & TIMEOUTS and NOBODY_THERE not in names
        outcome: Outcome = "timeout" if timed_out else "failed"
        self._end(outcome, type(error).__name__, sent=not names & UNSENT)

    @guarded
    def abort(self) -> None:
        """End because nobody reads on; an answer that was already whole stays complete. Idempotent."""
        self._end("aborted")

    def _linked(self) -> str | None:
        first, fingerprint = _first.get(), self._sent.fingerprint
        if self._sent.retries and first is not None and first[0] == fingerprint:
            return first[1]
        _first.set((fingerprint, self._identity.record_id))
        return None

    def _end(self, outcome: Outcome, error: str | None = None, *, sent: bool = True) -> None:
        if self._done:
            return
        self._done = True
        if self._status is not None and self._status >= HTTP_ERROR:
            outcome, error = "failed", self._answer.error or str(self._status)
        elif self._answer.error:
            outcome, error = "failed", self._answer.error
        elif self._answer.terminal:
            outcome, error = "complete", None
        try:
            self._recorder.emit(self._record(outcome, error, sent=sent))
        finally:
            self._leave()

    def _record(self, outcome: Outcome, error: str | None, *, sent: bool) -> CallRecord:
        raw = self._usage(outcome)
        counts, quality = self._measured(raw, outcome, sent=sent)
        process_id, seq = self._recorder.number()
        answer, asked = self._answer, self._sent
        return CallRecord(
            identity=self._identity,
            process_id=process_id,
            seq=seq,
            start_ns=self._start_ns,
            end_ns=max(self._recorder.now_ns(), self._start_ns),
            operation=asked.route.operation,
            provider=provider_of(asked.host) or asked.route.provider,
            api=asked.api,
            quality=quality,
            outcome=outcome,
            attribution=self._attribution,
            counts=counts,
            usage_raw=json.dumps(raw, separators=(",", ":")) if raw else None,
            request_model=asked.model,
            response_model=answer.model,
            response_id=answer.response_id,
            provider_request_id=self._request_id,
            service_tier=answer.service_tier or _text(raw.get("service_tier")),
            finish_reasons=answer.finish_reasons,
            attempt=asked.retries + 1,
            retry_of=self._retry_of,
            stream=asked.body.get("stream") is True,
            ttft_seconds=self._ttft(),
            server_address=asked.host,
            http_status=self._status,
            error_type=error,
            request_fingerprint=asked.keyed_fingerprint,
        )

    def _usage(self, outcome: Outcome) -> dict[str, Any]:
        """Return the usage object; of an unfinished Anthropic stream without its output, which is a placeholder."""
        raw = self._answer.usage
        if self._sent.api == "anthropic.messages" and self._reader is not None and outcome != "complete":
            return {key: value for key, value in raw.items() if key != "output_tokens"}
        return raw

    def _measured(self, raw: Mapping[str, Any], outcome: Outcome, *, sent: bool) -> tuple[TokenCounts, Quality]:
        counts = normalise(self._sent.api, raw)
        has_output = counts.output is not None or self._sent.api == "openai.embeddings"
        if counts.input is not None and has_output:
            return counts, "exact"
        refused = self._status is not None and self._status >= HTTP_ERROR
        background = self._sent.body.get("background") is True
        if refused or background or not sent:
            return counts, "unmeasured"
        return self._estimated(counts, outcome)

    def _estimated(self, counts: TokenCounts, outcome: Outcome) -> tuple[TokenCounts, Quality]:
        told, output = counts.input, counts.output
        if told is None:
            told = estimate.prompt_tokens(dict(self._sent.body))
        if output is None and self._sent.api != "openai.embeddings":
            output = self._written(outcome)
        bound: Quality = "lower_bound" if self._reader is not None and self._reader.overflowed else "estimated"
        return TokenCounts(told, counts.cache_read, counts.cache_write, output, counts.reasoning), bound

    def _written(self, outcome: Outcome) -> int | None:
        if self._reader is not None:
            return estimate.written_tokens(self._reader.events())
        return estimate.body_tokens(_json(bytes(self._body))) if outcome == "complete" else None

    def _ttft(self) -> float | None:
        if self._reader is None or self._first_chunk_ns is None:
            return None
        return (self._first_chunk_ns - self._start_ns) / 1e9


def _of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was made of: requests wraps urllib3's, which name a reason."""
    yield error
    for inner in (*error.args[:1], getattr(error, "reason", None)):
        if isinstance(inner, BaseException) and inner is not error:
            yield from _of(inner)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
