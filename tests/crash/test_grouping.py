"""How entries are grouped into steps, and in which order requests arrive, leaves no trace in what they mean."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.crash.memory import Entries, PlainNames
from tollspan_rater.domain.entries import Batch, Command, Entry
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import table_digests

NOW_NS = 1_795_220_176_000_000_000
TRACES, SPANS, RESPONSES = 4, 3, 3


def span(trace: int, number: int) -> tuple[str, Span]:
    """Return scope and span: a root, a framework's view of a call, the call itself; responses come twice."""
    random = Random(f"{trace}:{number}")
    tokens = random.randrange(1, 500)
    attributes: dict[str, str | int] = {"tollspan.customer": f"customer-{trace % 2}"}
    if number:
        attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.id": f"resp-{trace % RESPONSES}",
            "gen_ai.usage.input_tokens": 100 + trace,
            "gen_ai.usage.output_tokens": tokens if number == 1 else 100,
        }
    else:
        attributes["tollspan.feature"] = f"feature-{trace}"
    made = Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=(1 + number).to_bytes(8, "big"),
        parent_span_id=number.to_bytes(8, "big") if number else b"",
        name="chat" if number else "root",
        start_time_unix_nano=NOW_NS + number,
        end_time_unix_nano=NOW_NS + 10_000_000 - number,
        attributes=[
            KeyValue(
                key=key,
                value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value),
            )
            for key, value in attributes.items()
        ],
    )
    return ("opentelemetry.instrumentation.openai_v2" if number == 1 else "app"), made


def body(names: Sequence[tuple[int, int]]) -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    for trace, number in names:
        scope, made = span(trace, number)
        scoped = resource.scope_spans.add()
        scoped.scope.name = scope
        scoped.spans.append(made)
    return message.SerializeToString()


def journal(requests: Sequence[Sequence[tuple[int, int]]], command_at: int) -> list[Entry]:
    """Return entries: requests of two tenants, and a command among them."""
    made: list[Entry] = []
    for names in requests:
        position = len(made) + 1
        if position == command_at:
            customer = {"customer": "customer-1", "name": "One"}
            made.append(Command(position, NOW_NS, "a", "test", "customer.set", customer))
            position += 1
        made.append(Batch(position, NOW_NS, "ab"[names[0][0] == TRACES], "load", "otlp-proto", body(names)))
    return made


def applied(
    entries: Sequence[Entry], sizes: Sequence[int], restart_after: int = 0
) -> tuple[dict[str, str], list[object]]:
    """Apply entries to a new store in steps of some sizes, with a restart in between; return digests and calls."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        if restart_after:
            database = Database(path)
            Writer(Entries(entries, sizes), database, reader(Subjects(PlainNames())), MEANING).catch_up(restart_after)
            database.close()
        database = Database(path)
        Writer(Entries(entries, sizes), database, reader(Subjects(PlainNames())), MEANING).catch_up()
        assert database.position() == len(entries)
        found = table_digests(database.reader())
        calls: list[object] = database.reader().execute(CALLS).fetchall()
        database.close()
        return found, calls


CALLS = """
    SELECT tenant, call_id, kind, members, input, output, customer, feature, provider, model, response_id
    FROM calls ORDER BY tenant, call_id
"""
requests_of = st.lists(
    st.lists(st.tuples(st.integers(1, TRACES), st.integers(0, SPANS - 1)), min_size=1, max_size=3),
    min_size=2,
    max_size=6,
)


@settings(max_examples=8, deadline=None)
@given(requests_of, st.lists(st.integers(1, 3), max_size=6), st.integers(0, 4), st.integers(1, 7))
def test_grouping_and_restarts_leave_no_trace(
    requests: list[list[tuple[int, int]]], sizes: list[int], restart_after: int, command_at: int
) -> None:
    entries = journal(requests, command_at)
    together = applied(entries, [])
    assert applied(entries, [1] * len(entries)) == together
    assert applied(entries, sizes, min(restart_after, len(entries))) == together


@settings(max_examples=8, deadline=None)
@given(requests_of, st.randoms(use_true_random=False))
def test_order_and_copies_leave_no_trace_in_the_calls(requests: list[list[tuple[int, int]]], random: Random) -> None:
    shuffled = [*requests, *random.sample(requests, 2)]
    random.shuffle(shuffled)
    assert applied(journal(shuffled, 0), [])[1] == applied(journal(requests, 0), [])[1]
