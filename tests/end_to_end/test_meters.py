"""From OTLP to the invoice: the span rules on their page count every use that it names, and each is charged."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.docs.pages import blocks, page
from tests.end_to_end.process import RaterProcess, serving, wait_until
from tests.end_to_end.sender import SECOND, Value, key_values, new_trace, send

from tollspan_rater.cli.main import main
from tollspan_rater.extract.rule_file import load

PAGE = "docs/concepts/span-rules.md"
OTEL = "opentelemetry.instrumentation.openai_v2"
CHAT: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "llama-3",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 10,
}
INTERNAL, SERVER, CLIENT, CONSUMER = 1, 2, 3, 5

# (name, kind, scope, attributes, resource) and the units that it is, or is besides.
SPANS: list[tuple[tuple[str, int, str, dict[str, Value], dict[str, Value]], dict[str, str]]] = [
    (("invoke_agent shop", INTERNAL, OTEL, {"gen_ai.operation.name": "invoke_agent"}, {}), {"agent_run": "1"}),
    (("execute_tool web", INTERNAL, OTEL, {"gen_ai.operation.name": "execute_tool"}, {}), {"tool_call": "1"}),
    (("tool", INTERNAL, OTEL, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "internal_x"}, {}), {}),
    (("retrieve", INTERNAL, "langchain", {"openinference.span.kind": "RETRIEVER"}, {}), {"retrieval": "1"}),
    (("rank", INTERNAL, "langchain", {"openinference.span.kind": "RERANKER"}, {}), {"rerank": "1"}),
    (("chat llama-3", SERVER, OTEL, CHAT, {"service.name": "vllm-eu"}), {"gpu_second": "2.5"}),
    (
        ("search", CLIENT, "pinecone", {"db.system.name": "pinecone", "db.operation.name": "searchRecords"}, {}),
        {"retrieval": "1"},
    ),
    (
        ("GET", CLIENT, "http", {"server.address": "api.addresses.example", "http.response.status_code": 200}, {}),
        {"address_lookup": "1"},
    ),
    (
        ("GET", CLIENT, "http", {"server.address": "api.addresses.example", "http.response.status_code": 503}, {}),
        {},
    ),
    (("POST /hooks/7", CLIENT, "http", {}, {"service.namespace": "webhooks"}), {"webhook": "1"}),
    (("extract", INTERNAL, "shop.documents", {"shop.pages": 7}, {}), {"document_page": "7"}),
    (("extract", INTERNAL, "shop.documents", {}, {}), {}),
    (
        ("embeddings", CLIENT, OTEL, {"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 8}, {}),
        {"embedding": "1"},
    ),
    (("agent.act.buy", INTERNAL, "shop", {}, {}), {"agent_action": "1"}),
    (("workflow nightly", CONSUMER, "shop", {}, {}), {"workflow_run": "1"}),
]
OWN = ["address_lookup", "webhook", "document_page", "embedding", "agent_action"]
PRICED = ["agent_run", "tool_call", "retrieval", "rerank", "gpu_second", "workflow_run", *OWN]
PRICES = {
    "card.json": json.dumps(
        {"card": "units", "currency": "USD", "meters": OWN, "prices": [dict.fromkeys(PRICED, "0.02")]}
    ),
    "plan.json": json.dumps({"plan": "pro", "currency": "USD", "cards": ["units"]}),
}


def wanted() -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for _, units in SPANS:
        for meter, quantity in units.items():
            found[meter] = found.get(meter, Decimal(0)) + Decimal(quantity)
    return found


def requests(customer: str) -> ExportTraceServiceRequest:
    """Each span in a trace of its own, below a root that alone names the customer."""
    made = ExportTraceServiceRequest()
    start = time.time_ns() - 60 * SECOND
    for (name, kind, scope, attributes, resource), _ in SPANS:
        trace = new_trace()
        of_root: Mapping[str, Value] = {"tollspan.customer": customer}
        for number, (title, at, said) in enumerate((("GET /", "shop.web", of_root), (name, scope, attributes)), 1):
            part = made.resource_spans.add()
            part.resource.attributes.extend(key_values(resource if number == 2 else {}))
            scoped = part.scope_spans.add()
            scoped.scope.name = at
            scoped.spans.append(
                Span(
                    trace_id=trace,
                    span_id=number.to_bytes(8, "big"),
                    parent_span_id=b"" if number == 1 else (1).to_bytes(8, "big"),
                    name=title,
                    kind=SERVER if number == 1 else kind,  # type: ignore[arg-type]
                    start_time_unix_nano=start,
                    end_time_unix_nano=start + 2_500_000_000,
                    attributes=key_values(said),
                )
            )
    return made


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of the page as a file."""
    path = tmp_path_factory.mktemp("rules") / "meters.yaml"
    path.write_text(next(block.text for block in blocks(page(PAGE)) if block.language == "yaml"))
    return path


def test_the_example_of_the_page_can_be_applied(rules: Path) -> None:
    result = CliRunner().invoke(main, ["meters", "check", str(rules), "--format", "json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert {rule.meter for rule in load("meters.yaml", rules.read_text()).rules} >= wanted().keys()


def test_from_otlp_to_the_invoice(tmp_path: Path, rules: Path) -> None:
    month = time.strftime("%Y-%m", time.gmtime(time.time() - 60))
    with serving(RaterProcess(tmp_path / "data", TOLLSPAN_METERS=str(rules))) as rater:
        rater.execute("pricing.apply", {"files": PRICES})
        rater.execute("customer.set", {"customer": "acme", "plan": "pro"})
        send(rater, "http", requests("acme").SerializeToString())
        units = sum(len(units) for _, units in SPANS)
        wait_until(lambda: len(rater.calls(kind="unit")) == units, "all units")
        used = rater.ask("usage", by="meter", customer="acme")
        assert {row["meter"]: row["quantity"] for row in used.rows if row["meter"]} == wanted()
        assert {row["customer"] for row in rater.calls(kind="unit")} == {"acme"}
        bill = rater.ask("invoice", customer="acme", period=month)
        assert {row["meter"]: Decimal(str(row["quantity"])) for row in bill.rows} == wanted()
        assert sum(Decimal(str(row["amount_exact"])) for row in bill.rows) == sum(wanted().values()) * Decimal("0.02")
        tokens = {
            row["model"]: (row["input_tokens"], row["output_tokens"]) for row in rater.calls() if row["total_tokens"]
        }
        assert tokens == {"llama-3": (100, 10), None: (8, None)}
        shown = rater.ask("meters.show")
        assert "document-pages" in {row["rule"] for row in shown.rows}
        rater.assert_audit_holds()
        assert rater.execute("rebuild", {})["same"]
        before = rater.ask("usage", by="meter").rows
        rater.kill()
        rater.start()
        assert rater.ask("usage", by="meter").rows == before
        assert [row["since_position"] for row in rater.ask("meters.show", versions="true").rows] == [2]
        rater.assert_audit_holds()
