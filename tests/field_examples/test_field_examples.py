"""The situations through the whole path: records of the instrumentation, journal, store, rating, questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.field_examples.situations import GPT, SITUATIONS, Ask, Situation, Use
from tollspan.attribution import Attribution
from tollspan.export import spans
from tollspan.process import Identity, Process, uuid7
from tollspan.record import CallRecord
from tollspan.usage import normalise
from tollspan_rater.config.sources import resolve
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.folder import Folder

AT_NS = 1_783_247_400_000_000_000  # 2026-07-05T10:30:00Z
LATER_NS = AT_NS + 86_400_000_000_000
STATED_COST = "gen_ai.usage.cost"


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rater]:
    path = tmp_path_factory.mktemp("data")
    folder = Folder(path)
    folder.create()
    running = Rater(folder, resolve({"data": str(path)}, {}, path), FixedClock(LATER_NS))
    running.start()
    yield running
    running.close()


def record(use: Use, number: int, process: Process) -> CallRecord:
    drawn = blake2b(f"{use} {number}".encode(), digest_size=34).digest()
    usage = {
        "prompt_tokens": use.input,
        "completion_tokens": use.output,
        "total_tokens": use.input + use.output,
        "prompt_tokens_details": {"cached_tokens": use.cached},
    }
    process_id, seq = process.number()
    return CallRecord(
        identity=Identity(uuid7(AT_NS, drawn[:10]), drawn[10:26].hex(), drawn[26:].hex()),
        process_id=process_id,
        seq=seq,
        start_ns=AT_NS,
        end_ns=AT_NS + 1_500_000_000,
        operation="chat",
        provider="openai",
        api="openai.chat",
        quality="exact",
        outcome=use.outcome,
        attribution=Attribution({"customer": use.customer, **use.said}),
        counts=normalise("openai.chat", usage),
        usage_raw=json.dumps(usage),
        request_model=GPT,
        response_model=GPT,
        response_id=f"chatcmpl-{drawn.hex()[:20]}",
    )


def body(situation: Situation, process: Process) -> bytes:
    uses = [use for use in situation.uses for _ in range(use.times)]
    request = ExportTraceServiceRequest.FromString(spans([record(use, n, process) for n, use in enumerate(uses)]))
    for use, span in zip(uses, request.resource_spans[0].scope_spans[0].spans, strict=True):
        if use.stated_cost is not None:
            span.attributes.add(key=STATED_COST).value.double_value = use.stated_cost
    return request.SerializeToString()


def happened(rater: Rater, situation: Situation) -> str:
    """Let a situation happen in a tenant of its own, whose name is returned."""
    tenant = f"situation-{situation.id}"
    if situation.plan:
        rater.execute("pricing.apply", {"files": {"prices.yaml": situation.plan}}, tenant=tenant, actor="test")
        held = [{"customer": name, "plan": "paid"} for name in sorted({use.customer for use in situation.uses})]
        rater.execute("customer.import", {"customers": held}, tenant=tenant, actor="test")
    sent = body(situation, Process(f"process-{situation.id}"))
    for _ in range(situation.sends):
        position = rater.submit(NewBatch(LATER_NS, tenant, "app", "otlp-proto", sent)).result()
    rater.writer.wait_for(position, 30)
    return tenant


def cells(answer: Answer, ask: Ask) -> dict[str, object]:
    if ask.row is None:
        found = answer.totals or {}
    else:
        wanted = ask.row.items()
        found = next(row for row in answer.rows if all(row[name] == value for name, value in wanted))
    return {name: exact(found[name]) for name in ask.cells}


def exact(value: object) -> object:
    """Numbers compare by value, whether written 100 or 100.00; texts that are no numbers stay."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal():
        return Decimal(value)
    return value


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: f"{one.id}: {one.words}")
def test_a_situation_of_the_field(rater: Rater, situation: Situation) -> None:
    tenant = happened(rater, situation)
    for ask in situation.asks:
        given = {name: [value] for name, value in ask.params.items()}
        answer = rater.ask(ask.question, question(ask.question).read(given), tenant=tenant)
        assert cells(answer, ask) == {name: exact(value) for name, value in ask.cells.items()}, ask
    assert rater.ask("audit", {"full": "true"}, tenant=tenant).ok
