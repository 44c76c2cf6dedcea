"""The recipe of docs/operating/dialects.md, step by step: its recording, its bill, its table, its case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.dialects.recording import FIGURES, Recording, recordings
from tests.docs.pages import blocks, page
from tests.extract.recorded import spans_of
from tests.extract.told import line_of, line_of_call, told_in

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.dialects.registry import ALL, REGISTRY, Registry
from tollspan_rater.extract.dialects.table import Dialect
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle

PAGE = blocks(page("docs/operating/dialects.md"))
REQUEST, BILL = (block.text for block in PAGE if block.language == "json")
[TABLE] = (block.text for block in PAGE if block.language == "python")
[CASE] = (block.text for block in PAGE if block.language == "text")


@pytest.fixture(scope="module")
def acme() -> Dialect:
    names: dict[str, Any] = {}
    exec(TABLE, names)  # noqa: S102 - the page's own code
    [table] = [value for value in names.values() if isinstance(value, Dialect)]
    return table


@pytest.fixture(scope="module")
def with_acme(acme: Dialect) -> Registry:
    return Registry((acme, *ALL[:-1]))


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    (tmp_path / "acme_1.0.otlp.jsonl").write_text(REQUEST)
    (tmp_path / "truth.jsonl").write_text(BILL)
    [found] = recordings(tmp_path)
    return found


def calls(registry: Registry) -> list[Call]:
    read = [extract(span, registry) for span in spans_of(json.loads(REQUEST), keep=lambda _key: True)]
    return settle(found for found in read if isinstance(found, Extracted))


def test_without_the_table_the_recording_is_not_read(recording: Recording) -> None:
    assert [call.usage.total for call in calls(REGISTRY)] == []
    assert recording.numbers >= {400, 600, 200}


def test_with_the_table_it_is_the_bill(recording: Recording, with_acme: Registry) -> None:
    [call] = calls(with_acme)
    assert {figure: getattr(call.usage, figure) or 0 for figure in FIGURES} == {
        figure: recording.bill[figure] or 0 for figure in FIGURES
    }
    assert (call.quality, call.dialect) == ("exact", "acme@1")


def test_the_case_holds(with_acme: Registry) -> None:
    [told] = told_in(CASE, keep=lambda _key: True)
    read = [extract(span, with_acme) for span in told.spans]
    assert [line_of(found) for found in read] == told.read
    assert [line_of_call(one) for one in settle(one for one in read if isinstance(one, Extracted))] == told.calls


def test_strip_decode_and_collector_learn_its_names_from_the_table(acme: Dialect) -> None:
    assert acme.attribute_names() >= {"acme.kind", "acme.model", "acme.tokens.in", "acme.tokens.cached"}
    assert acme.content == {"acme.prompt"}
