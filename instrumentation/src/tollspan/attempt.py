"""One HTTP attempt of an LLM call, from the request to the end of its body; ends as at most one record of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from tollspan import followed, observers
from tollspan.answer import Answer
from tollspan.attribution import Attribution
from tollspan.custom_id import KeysOf, keys_of_custom_id, told
from tollspan.failure import failure
from tollspan.followed import REQUEST_ID_HEADERS
from tollspan.forms import FORMS
from tollspan.guarded import guarded, log, safely
from tollspan.linking import link
from tollspan.measure import Measured, measure
from tollspan.pace import Pace
from tollspan.process import Identity, Place, identify
from tollspan.reader import Reader, reader_of
from tollspan.record import CallRecord
from tollspan.results import Result, results_reader
from tollspan.routes import FETCH
from tollspan.semconv import Outcome
from tollspan.sent import Sent
from tollspan.swallow import UsageChunk

HTTP_ERROR: Final = 400
_COMPACT: Final = json.JSONEncoder(separators=(",", ":")).encode


class Recorder(Protocol):
    """What an attempt needs of its surroundings."""

    def now_ns(self) -> int:
        """Return the time in nanoseconds since the epoch."""
        ...

    def begin(self) -> Place:
        """Take a place in the sequence for a call that begins."""
        ...

    def number(self) -> tuple[str, int]:
        """Return the process id and the next sequence number."""
        ...

    def emit(self, record: CallRecord) -> None:
        """Take a finished record."""
        ...


class Attempt:
    """An attempt under way. ``whose`` and the ids hold from now, when the request is sent; nothing here raises."""

    def __init__(self, sent: Sent, recorder: Recorder, whose: Attribution) -> None:
        self._sent = sent
        self._recorder = recorder
        self._place = recorder.begin() if _makes_a_record(sent) else None
        self._pace = Pace(recorder.now_ns())
        self._identity = identify(self._pace.start_ns)
        self._attribution = whose
        self._link = link(sent.fingerprint, self._identity.record_id, sent.retries)
        self._told = observers.begun()
        self._answer = Answer(FORMS[sent.api])
        self._reader: Reader | None = None
        self._swallow = UsageChunk() if sent.swallow_usage else None
        self._status: int | None = None
        self._refused = False
        self._request_id: str | None = None
        self._done = False
        self.reading = False

    @guarded
    def answered(self, status: int, header: Callable[[str], str | None]) -> None:
        """Note the answer's head; ``header`` looks a response header up, case-insensitively."""
        self._status, self._refused = status, status >= HTTP_ERROR
        for name in REQUEST_ID_HEADERS:
            if found := header(name):
                self._request_id = found
                break
        results = self._sent.route.results
        if results is not None and not self._refused:
            report = partial(self._report, keys_of_custom_id())
            self._reader = results_reader(results, self._sent.path, report)
        else:
            self._reader = reader_of(None if self._refused else header("content-type"), self._answer)
        if self._answer.form.headers:
            self._answer.hear(header)
        if not self._refused:
            followed.note(self._request_id, self._answer)

    def chunk(self, data: bytes) -> bytes:
        """Read a decoded piece of the body as it passes; return what the application may see of it."""
        dull, swallow = False, self._swallow
        try:
            if self._pace.first_chunk_ns is None:
                self._pace.first_chunk_ns = self._recorder.now_ns()
            if self._reader is not None:
                dull = self._reader.feed(data)
        except Exception:  # noqa: BLE001 - a guard without a call of its own: a stream has thousands of pieces
            log.debug("tollspan: a piece of an answer was not read; the application goes on", exc_info=True)
        if swallow is None or (dull and not swallow.held):
            return data
        seen = safely(swallow.feed, data)
        return data if seen is None else seen

    def finish(self) -> bytes:
        """Note that the body came to its end; return what was held back of it."""
        held = b"" if self._swallow is None else safely(self._swallow.rest) or b""
        safely(self._end, None)
        return held

    @guarded
    def fail(self, error: BaseException) -> None:
        """End with an exception."""
        found = failure(error)
        self._end(found.outcome, found.error, sent=found.sent)

    @guarded
    def abort(self) -> None:
        """End because nobody reads on; an answer that was already whole stays complete. Idempotent."""
        self._end("aborted")

    @guarded
    def withdraw(self) -> None:
        """Leave no record: nothing was sent after all."""
        if not self._done:
            self._done = True
            if self._place is not None:
                self._place.leave()

    @guarded
    def disown(self) -> None:
        """Leave no record: this is a forked child's copy of an attempt that its parent goes on with."""
        self._done = True

    @guarded
    def _read_out(self) -> None:
        if self._reader is not None:
            self._reader.end()

    def _end(self, outcome: Outcome | None, error: str | None = None, *, sent: bool = True) -> None:
        """End once; with no outcome as what arrived says."""
        if self._done:
            return
        self._done = True
        try:
            self._tell(outcome, error, sent=sent)
        finally:
            if self._place is not None:
                self._place.leave()

    def _tell(self, ended: Outcome | None, error: str | None, *, sent: bool) -> None:
        self._read_out()
        answer = self._answer
        outcome, error = self._outcome(ended, error)
        self._link.chain.failed = outcome in ("failed", "timeout")
        if self._counts:
            billable = sent and self._may_cost
            measured = measure(self._sent, answer, self._reader, outcome, billable=billable)
            record = self._record(self._identity, answer, measured, outcome, error)
            self._recorder.emit(record)
            observers.ended(self._told, record)

    def _outcome(self, ended: Outcome | None, error: str | None) -> tuple[Outcome, str | None]:
        """Return how it ended, and the error's name: what the provider said goes before what was seen."""
        answer = self._answer
        if self._refused or answer.error:
            return "failed", answer.error or str(self._status)
        if answer.cancelled:
            return "aborted", None
        if answer.terminal:
            return "complete", None
        if ended is not None:
            return ended, error
        return ("failed", "incomplete_stream") if self._cut else ("complete", None)

    @property
    def _cut(self) -> bool:
        """Whether a stream ended without anything that stands at an end."""
        answer, reader = self._answer, self._reader
        whole = answer.finish_reasons or (answer.usage and not answer.form.running)
        return reader is not None and reader.streams and not whole

    @property
    def _may_cost(self) -> bool:
        """Whether work may have been done that no usage tells: not for an error alone, nor for work yet to be done."""
        error_alone = self._answer.error and self._reader is not None and not self._reader.streams
        return not (self._refused or error_alone or self._sent.body.get("background") is True)

    @property
    def _counts(self) -> bool:
        """Whether this was a call: a fetch is none until it is done, an unsure path none without the API's answer."""
        route, answer = self._sent.route, self._answer
        if route.operation == FETCH:
            return route.results is None and bool(answer.usage) and answer.settled
        return self._sent.known or not route.unsure or bool(answer.usage or answer.model)

    def _report(self, keys_of: KeysOf | None, result: Result) -> None:
        """Make the record of a call that this body reports: told by its own ids, and fetched, so that it counts once.

        The rater makes one call of all fetches of a response, whoever makes them.
        """
        asked, answer = self._sent._replace(api=result.api), result.answer
        measured = measure(asked, answer, None, "complete", billable=False)
        record = self._record(identify(self._recorder.now_ns()), answer, measured, "complete", None)
        self._recorder.emit(
            replace(
                record,
                attribution=told(self._attribution, result.custom_id, keys_of),
                attempt=1,
                retry_of=None,
                provider_request_id=result.request_id,
                custom_id=result.custom_id,
            )
        )

    def _record(
        self, identity: Identity, answer: Answer, measured: Measured, outcome: Outcome, error: str | None
    ) -> CallRecord:
        process_id, seq = (self._place or self._recorder).number()
        asked, raw, pace = self._sent, measured.raw, self._pace
        streams = asked.streams
        end_ns = max(self._recorder.now_ns(), pace.start_ns)
        whole = streams and outcome == "complete" and measured.quality == "exact"
        return CallRecord(
            identity=identity,
            process_id=process_id,
            seq=seq,
            start_ns=pace.start_ns,
            end_ns=end_ns,
            operation=asked.route.operation,
            provider=asked.provider,
            api=measured.api,
            quality=measured.quality,
            outcome=outcome,
            attribution=self._attribution,
            counts=measured.counts,
            usage_raw=_COMPACT(raw) if raw else None,
            request_model=asked.model,
            response_model=answer.model,
            response_id=answer.response_id,
            provider_request_id=self._request_id,
            service_tier=asked.route.tier or answer.service_tier or _text(raw.get("service_tier")),
            finish_reasons=answer.finish_reasons,
            attempt=self._link.attempt,
            retry_of=self._link.retry_of,
            stream=streams,
            ttft_seconds=pace.ttft_seconds if streams else None,
            output_rate=pace.output_rate(measured.counts.output, end_ns) if whole else None,
            server_address=asked.host,
            http_status=self._status,
            error_type=error,
            request_fingerprint=asked.keyed_fingerprint,
        )


def _makes_a_record(sent: Sent) -> bool:
    """Tell whether a request is a call for certain; only those are missed when the process is killed meanwhile."""
    return sent.route.operation != FETCH and (sent.known or not sent.route.unsure)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
