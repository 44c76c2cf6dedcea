import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.demo.plans import planned
from tollspan.record import CallRecord
from tollspan_rater.demo.records import by_sender
from tollspan_rater.demo.sending import MOST_SPANS, Courier, Log, Request, Sent, requests
from tollspan_rater.errors import DemoError

RECORDS = by_sender(planned(900), 1, seed=1)[0]


def ids(made: list[Request]) -> Counter[str]:
    return Counter(record.identity.span_id for one in made for record in one.records)


@given(st.integers(0, 10_000), st.integers(1, len(RECORDS)))
@settings(max_examples=30, deadline=None)
def test_every_record_is_sent_and_every_copy_is_counted(seed: int, size: int) -> None:
    made = requests(RECORDS[:size], random.Random(seed))
    sent = ids(made)
    assert set(sent) == {record.identity.span_id for record in RECORDS[:size]}
    assert sent.total() - len(sent) == sum(one.copies for one in made)
    assert len(made) > 1
    assert all(len(one.records) <= MOST_SPANS * 1.02 for one in made)


def test_requests_come_out_of_order_and_twice() -> None:
    records = [record for part in by_sender(planned(6_000), 1, seed=1) for record in part]
    made = requests(records, random.Random(1))
    firsts = [one.records[0].seq for one in made]
    assert firsts != sorted(firsts)
    assert len(firsts) > len(set(firsts))


def test_no_records_make_no_requests() -> None:
    assert requests([], random.Random(1)) == []


class Endpoint:
    """Answers posts by a script: a status, or an error to raise; then 200 for ever."""

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.bodies: list[bytes] = []

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        step = self.script.pop(0) if self.script else 200
        if isinstance(step, Exception):
            raise step
        if step == 200:
            self.bodies.append(body)
        return step, b""


def delivered(endpoint: Callable[[bytes], tuple[int, bytes]], made: list[list[Request]]) -> Sent:
    log = Log()
    Courier(endpoint, log, lambda _seconds: None).deliver(made)
    return log.total()


ONE = Request(tuple(RECORDS[:7]))
TWO = Request(tuple(RECORDS[5:10]), copies=2)


@pytest.mark.parametrize(
    ("script", "retries", "unsure"),
    [
        ((), 0, ()),
        ((503, 429), 2, ()),
        ((ConnectionRefusedError(),), 1, ()),
        ((ConnectionResetError(),), 1, (7,)),
        ((TimeoutError(), 503, ConnectionResetError()), 3, (7, 7)),
    ],
)
def test_the_log_knows_what_was_acknowledged_and_what_is_unsure(
    script: tuple[int | Exception, ...], retries: int, unsure: tuple[int, ...]
) -> None:
    endpoint = Endpoint(*script)
    sent = delivered(endpoint, [[ONE, TWO]])
    assert sent == Sent(requests=2, acknowledged=12, copies=2, retries=retries, unsure=unsure)
    assert sent.distinct == 10
    assert len(endpoint.bodies) == 2


def test_a_request_carries_its_records_as_the_instrumentation_writes_them() -> None:
    endpoint = Endpoint()
    delivered(endpoint, [[ONE]])
    found = ExportTraceServiceRequest.FromString(endpoint.bodies[0]).resource_spans[0].scope_spans[0]
    assert found.scope.name == "tollspan"
    assert [span.span_id.hex() for span in found.spans] == [record.identity.span_id for record in ONE.records]


def test_rejected_spans_end_the_demo() -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 3
    with pytest.raises(DemoError, match="rejected 3 spans"):
        delivered(lambda _body: (200, response.SerializeToString()), [[ONE]])


def test_the_watcher_is_told_after_each_acknowledgement() -> None:
    seen: list[int] = []
    Courier(Endpoint(), Log(seen.append)).deliver([[ONE, TWO]])
    assert seen == [7, 12]


def record_of(outcome: str) -> CallRecord:
    found = {call.outcome: call.number for call in planned(2_000)}[outcome]
    (records,) = by_sender(planned(2_000), 1, seed=1)
    return records[found]


@pytest.mark.parametrize(
    ("outcome", "quality", "known", "raw"),
    [
        ("complete", "exact", True, True),
        ("aborted", "estimated", True, False),
        ("failed", "unmeasured", False, False),
    ],
)
def test_records_say_how_sure_they_are(outcome: str, quality: str, known: bool, raw: bool) -> None:
    record = record_of(outcome)
    assert record.quality == quality
    assert (record.counts.input is not None) == known
    assert (record.usage_raw is not None) == raw


@given(st.integers(1, 7))
@settings(max_examples=7, deadline=None)
def test_each_sender_counts_without_gaps_and_keeps_attempts_together(processes: int) -> None:
    calls = planned(2_000)
    parts = by_sender(calls, processes, seed=1)
    assert [[record.seq for record in part] for part in parts] == [list(range(1, len(part) + 1)) for part in parts]
    home = {record.identity.record_id: record for part in parts for record in part}
    retries = [record for record in home.values() if record.retry_of is not None]
    assert retries
    for record in retries:
        first = home[record.retry_of or ""]
        assert (first.process_id, first.identity.trace_id) == (record.process_id, record.identity.trace_id)
    assert len({record.identity.span_id for record in home.values()}) == len(calls)


def test_normalised_counts_are_the_planned_ones() -> None:
    calls = planned(2_000)
    (records,) = by_sender(calls, 1, seed=1)
    for call, record in zip(calls, records, strict=True):
        assert (record.counts.input, record.counts.output) == (call.input, call.output)
        if call.outcome == "complete":
            assert (record.counts.cache_read, record.counts.cache_write or 0) == (call.cache_read, call.cache_write)
