"""Through a real Collector with Tempo's branch and the money's, both written to files: what a trace shows is true."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.collector.process import CollectorProcess, free_ports, running
from tests.collector.sink import spans_of
from tests.end_to_end.process import RaterProcess, environment, serving, wait_until
from tests.end_to_end.test_app import application
from tests.trace_out.spans import attributes

from tollspan import export
from tollspan.settings import TRACES_PATH
from tollspan_rater.demo.provider import FakeProvider
from tollspan_rater.demo.records import RESOURCE
from tollspan_rater.demo.scenario import Scenario, scenario
from tollspan_rater.trace_out.money_span import ADJUSTMENT, MONEY

pytestmark = pytest.mark.collector

OVERLAY = Path(__file__).with_name("two_branches.yaml")
DEMO_CALLS, DEMO_CUSTOMERS = 150, 6
REQUESTS = 60
LENGTH_BYTES = 4  # of a message in the files of the file exporter


@dataclass
class Branches:
    """A rater behind a Collector, and what went to Tempo."""

    rater: RaterProcess
    collector: CollectorProcess
    originals: Path
    money: Path

    def spans(self, path: Path) -> list[Span]:
        """The spans in a file; an empty status stands for none, as the Collector writes it."""
        found = [span for request in messages(path) for span in spans_of(request)]
        for span in found:
            span.status.SetInParent()
        return found

    def wait_for(self, path: Path, ids: set[bytes]) -> None:
        wait_until(lambda: ids <= {span.span_id for span in self.spans(path)}, f"{len(ids)} spans in {path.name}", 60)

    def told(self) -> float:
        """How many calls Prometheus is told of."""
        page = self.rater.get("/metrics", self.rater.run_file().token, {}).text
        found = re.search(r"^tollspan_trace_out_calls_total (\S+)$", page, re.MULTILINE)
        assert found is not None, page
        return float(found[1])

    def money_spans(self, traces: set[bytes]) -> list[Span]:
        return [span for span in self.spans(self.money) if span.trace_id in traces]

    def shown_charges(self, traces: set[bytes]) -> dict[str, int]:
        """What the spans of each call add up to, in units of the ninth digit."""
        sums: defaultdict[str, float] = defaultdict(float)
        for span in self.money_spans(traces):
            said = attributes(span)
            sums[said["tollspan.call_id"]] += said.get("tollspan.charge", 0)
        return {call_id: round(charge * 10**9) for call_id, charge in sums.items()}

    def charges(self, traces: set[bytes]) -> dict[str, int]:
        """The same as `calls` says it now."""
        return {
            str(row["call_id"]): round(float(row["charge"] or 0) * 10**9)
            for row in self.rater.calls()
            if bytes.fromhex(row["trace_ids"][0]) in traces
        }

    def assert_true(self, found: list[Span]) -> None:
        """Each money span says, to the last digit, what `calls` says as of its position."""
        known: dict[int, dict[str, Mapping[str, Any]]] = {}
        for span in found:
            said = attributes(span)
            position = said["tollspan.as_of"]
            if position not in known:
                rows = self.rater.calls(as_of=str(position))
                known[position] = {str(row["call_id"]): row for row in rows}
            row = known[position][said["tollspan.call_id"]]
            cost, charge = row["cost"], row["charge"]
            assert said.get("tollspan.cost") == (None if cost is None else float(cost))
            assert said.get("tollspan.charge") == (None if charge is None else float(charge))
            both = cost is not None and charge is not None
            assert said.get("tollspan.margin") == (float(charge - cost) if both else None)
            assert said.get("tollspan.customer") == row["customer"]


def messages(path: Path) -> Iterator[ExportTraceServiceRequest]:
    """Read what the file exporter wrote: messages behind their length; one that is being written is left out."""
    data = path.read_bytes() if path.exists() else b""
    while len(data) > LENGTH_BYTES:
        size = int.from_bytes(data[:LENGTH_BYTES], "big")
        if len(data) < LENGTH_BYTES + size:
            return
        yield ExportTraceServiceRequest.FromString(data[LENGTH_BYTES : LENGTH_BYTES + size])
        data = data[LENGTH_BYTES + size :]


@pytest.fixture(scope="module")
def branches(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branches]:
    folder = tmp_path_factory.mktemp("branches")
    money_otlp = f"127.0.0.1:{free_ports(1)[0]}"
    settings = {"TOLLSPAN_TRACE_OUT_ENDPOINT": f"http://{money_otlp}", "TOLLSPAN_TRACE_OUT_QUIET_SECONDS": "1"}
    files = {"ORIGINALS_FILE": folder / "originals", "MONEY_FILE": folder / "money"}
    rater = RaterProcess(folder / "data", **settings)
    env = {"MONEY_OTLP": money_otlp, **{name: str(path) for name, path in files.items()}}
    collector = CollectorProcess(collector_binary, folder, rater.grpc, ["collector-tempo.yaml", str(OVERLAY)], env)
    with running(collector), serving(rater):
        yield Branches(rater, collector, *files.values())


def send_demo(branches: Branches, demo: Scenario) -> dict[bytes, Span]:
    """Send the demo as its senders do, copies and all; return the spans."""
    branches.rater.execute("pricing.apply", {"files": demo.pricing})
    people = [{"customer": customer.name, "plan": customer.plan} for customer in demo.customers]
    branches.rater.execute("customer.import", {"customers": people})
    sent: dict[bytes, Span] = {}
    for request in (request for queue in demo.sends() for request in queue):
        body = export.spans(request.records, RESOURCE)
        headers = {"Content-Type": "application/x-protobuf"}
        url = f"http://{branches.collector.http}{TRACES_PATH}"
        httpx.post(url, content=body, headers=headers, trust_env=False).raise_for_status()
        sent |= with_status(ExportTraceServiceRequest.FromString(body))
    return sent


def with_status(request: ExportTraceServiceRequest) -> dict[bytes, Span]:
    """Return the spans of a request by id, in the form of :meth:`Branches.spans`."""
    found = {span.span_id: span for span in spans_of(request)}
    for span in found.values():
        span.status.SetInParent()
    return found


def test_the_demo_in_tempo(branches: Branches) -> None:
    sent = send_demo(branches, scenario((), DEMO_CALLS, DEMO_CUSTOMERS, 7, time_ns()))
    traces = {span.trace_id for span in sent.values()}
    wait_until(lambda: len(branches.money_spans(traces)) >= len(sent), "a money span for each call", 60)
    branches.wait_for(branches.originals, set(sent))
    assert {span.span_id: span for span in branches.spans(branches.originals) if span.span_id in sent} == sent
    found = branches.money_spans(traces)
    firsts = [span for span in found if span.name == MONEY]
    assert Counter(span.parent_span_id for span in firsts) == dict.fromkeys(sent, 1)
    assert {span.name for span in found} <= {MONEY, ADJUSTMENT}
    branches.assert_true(firsts)
    charges = branches.charges(traces)
    wait_until(lambda: branches.shown_charges(traces) == charges, "adjustments to today's charges", 60)
    assert branches.told() >= len(firsts)
    branches.rater.assert_audit_holds()


def test_an_application_that_samples_is_billed_whole_and_shown_without_orphans(
    branches: Branches, tmp_path: Path
) -> None:
    collector, kept = branches.collector, tmp_path / "kept"
    with FakeProvider(seed=7) as provider:
        env = environment(
            OPENAI_API_KEY="made-up",
            OPENAI_BASE_URL=f"{provider.url}/v1",
            TOLLSPAN_OTLP_ENDPOINT=f"http://{collector.http}",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.http}",
        )
        with application([sys.executable, "tests/end_to_end/sampled_app.py", str(REQUESTS), str(kept)], env):
            pass
        billed = len(provider.bill.entries)
    exported = with_status(ExportTraceServiceRequest.FromString(kept.read_bytes()))
    traces = {span.trace_id for span in exported.values()}
    assert 0 < len(traces) < REQUESTS / 4
    wait_until(lambda: len(ours(branches)) == REQUESTS == billed, "every call is billed", 60)
    wait_until(lambda: len(branches.money_spans(traces)) == len(traces), "money of the sampled calls", 60)
    branches.wait_for(branches.originals, set(exported))
    theirs = {str(trace) for call in ours(branches) for trace in call["trace_ids"]}
    arrived = [span for span in branches.spans(branches.originals) if span.trace_id.hex() in theirs]
    assert {span.span_id: span for span in arrived if span.span_id in exported} == exported
    shown = [*arrived, *(span for span in branches.spans(branches.money) if span.trace_id.hex() in theirs)]
    ids = {span.span_id for span in shown}
    assert [span for span in shown if span.parent_span_id and span.parent_span_id not in ids] == []
    assert {span.trace_id for span in shown} == traces
    branches.assert_true(branches.money_spans(traces))


def ours(branches: Branches) -> list[dict[str, Any]]:
    return [call for call in branches.rater.calls() if str(call["customer"]).startswith("sampled")]
