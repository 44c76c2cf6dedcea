"""The queries of the page about cost in traces, answered from the spans of a demo: its tables are these answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.docs.pages import blocks, page
from tests.server.conftest import T0, Bench
from tests.trace_out.spans import Kept, rest, telling
from tests.trace_out.traceql import answer
from tollspan import export
from tollspan_rater.config.sources import resolve
from tollspan_rater.demo.records import RESOURCE
from tollspan_rater.demo.scenario import scenario
from tollspan_rater.trace_out.target import GrpcTarget, read_headers

PAGE = "docs/concepts/cost-in-traces.md"
CALLS, CUSTOMERS, SEED = 200, 4, 7
_SHOWN = re.compile(r"```traceql\n(?P<query>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)", re.DOTALL)
SHOWN = [(found["query"], found["table"]) for found in _SHOWN.finditer(page(PAGE))]


def demo_spans(folder: Path) -> list[Span]:
    """What a rater tells traces of the demo of the page."""
    bench, kept = Bench(folder / "data"), Kept()
    demo = scenario((), CALLS, CUSTOMERS, SEED, T0)
    bench.execute("pricing.apply", files=demo.pricing, valid_from="2026-01-01")
    bench.execute("customer.import", customers=[{"customer": one.name, "plan": one.plan} for one in demo.customers])
    with telling(bench, kept) as telling_it:
        for request in (request for queue in demo.sends() for request in queue):
            bench.send(export.spans(request.records, RESOURCE))
        rest(bench)
        telling_it.step()
    bench.close()
    return kept.spans


@contextmanager
def in_a_folder() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def spans() -> Iterator[list[Span]]:
    with in_a_folder() as folder:
        yield demo_spans(folder)


def table(query: str, spans: list[Span]) -> list[tuple[str, str]]:
    rows = sorted(answer(query, spans).items(), key=lambda row: (-row[1], row[0]))
    return [(f"`{name}`" if ">" in query else name, f"{value:.6f}") for name, value in rows]


@pytest.mark.parametrize(("query", "shown"), SHOWN)
def test_the_answers_are_those_of_the_demo(query: str, shown: str, spans: list[Span]) -> None:
    _head, _line, *rows = shown.splitlines()
    cells = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
    assert cells == table(query, spans)


def test_every_query_of_the_page_has_an_answer() -> None:
    assert len(SHOWN) == page(PAGE).count("```traceql") >= 4


@pytest.mark.parametrize("text", [block.text for block in blocks(page(PAGE)) if block.language == "yaml"])
def test_every_configuration_of_the_page_names_a_target(text: str, tmp_path: Path) -> None:
    (tmp_path / "tollspan.yaml").write_text(text)
    said = resolve({}, {}, tmp_path).config.trace_out
    assert said.endpoint is not None
    GrpcTarget(said.endpoint, {}).close()


def test_the_headers_of_the_page_are_read(tmp_path: Path) -> None:
    [text] = [
        block.text for block in blocks(page(PAGE)) if "honeycomb.headers" in block.text and block.language == "text"
    ]
    (tmp_path / "headers").write_text(text)
    assert read_headers(tmp_path / "headers") == {"x-honeycomb-team": "KEY"}
