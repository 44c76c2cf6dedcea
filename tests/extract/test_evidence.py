"""Stored evidence reads back exactly; the digest counts what two honest copies share."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.extract.spans import OTEL, an, chat

from tollspan_rater.domain.call import DETAILS, TERMS, Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.evidence import digest, from_evidence, sealed, to_evidence

words = st.one_of(st.none(), st.text(max_size=6))
counts = st.one_of(st.none(), st.integers(0, 10**12))
amounts = st.decimals(0, 10**9, places=12)
saids = st.dictionaries(st.sampled_from(["customer", "alias.user", "tags.a"]), st.text(max_size=5), max_size=3)
texts = st.text(max_size=6)


@st.composite
def extracteds(draw: st.DrawFn) -> Extracted:
    optional = ("operation", "provider", "request_model", "response_id", "record_id", "outcome", "quality", "retry_of")
    values: dict[str, Any] = {name: draw(words) for name in optional}
    tokens = [draw(counts) for _ in range(10)]
    names = [name for name in Usage.__dataclass_fields__ if name != "units"]
    units = draw(st.dictionaries(st.sampled_from(["web_search", "tool_use"]), amounts, max_size=2))
    return Extracted(
        tenant=draw(texts),
        trace_id=draw(texts),
        span_id=draw(texts),
        parent_id=draw(texts),
        start_ns=draw(st.integers(0, 2**63)),
        end_ns=draw(st.integers(0, 2**63)),
        role=draw(st.sampled_from(Role)),
        dialect=draw(texts),
        rank=draw(st.integers(0, 99)),
        final=draw(st.booleans()),
        stream=draw(st.one_of(st.none(), st.booleans())),
        retrieve=draw(st.booleans()),
        seq=draw(counts),
        usage=Usage(**dict(zip(names, tokens, strict=True)), units=units),
        reported_cost=draw(st.one_of(st.none(), amounts)),
        unit_quantity=draw(st.one_of(st.none(), amounts)),
        terms=draw(st.dictionaries(st.sampled_from(TERMS), texts)),
        details=draw(st.dictionaries(st.sampled_from(DETAILS), texts)),
        said=draw(saids),
        resource_said=draw(saids),
        flags=tuple(draw(st.lists(texts, max_size=3))),
        **values,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(extracteds())
def test_evidence_reads_back_exactly_and_is_canonical(extracted: Extracted) -> None:
    evidence = to_evidence(extracted)
    assert from_evidence(evidence) == extracted
    assert to_evidence(from_evidence(evidence)) == evidence
    assert sealed(extracted) == (evidence, digest(extracted))


def test_unknown_is_not_zero_in_evidence() -> None:
    zero, unknown = (an(chat(10, 5, **{"gen_ai.usage.cache_read.input_tokens": n}), scope=OTEL) for n in (0, None))
    assert from_evidence(to_evidence(zero)).usage.cache_read == 0
    assert from_evidence(to_evidence(unknown)).usage.cache_read is None
    assert digest(zero) != digest(unknown)


SAME = [
    {"dialect": "otel@2"},
    {"rank": 3},
    {"flags": ("dropped_attributes",)},
    {"resource_said": {"alias.region": "eu-1"}},
]
OTHER: list[dict[str, Any]] = [
    {"usage": Usage(input=11, output=5)},
    {"said": {"customer": "other"}},
    {"resource_said": {"customer": "acme"}},
    {"end_ns": 5},
    {"response_id": "x"},
    {"outcome": "failed"},
    {"unit_quantity": Decimal(1)},
    {"terms": {"speed": "fast"}},
    {"details": {"stated_total": "15"}},
]


@pytest.mark.parametrize("change", SAME, ids=str)
def test_what_a_collector_or_a_release_changes_is_no_conflict(change: dict[str, Any]) -> None:
    span = an(chat(), scope=OTEL)
    assert digest(replace(span, **change)) == digest(span)


@pytest.mark.parametrize("change", OTHER, ids=str)
def test_what_changes_the_meaning_changes_the_digest(change: dict[str, Any]) -> None:
    span = an(chat(), scope=OTEL)
    assert digest(replace(span, **change)) != digest(span)


def test_what_was_read_cannot_be_changed() -> None:
    span = an(chat())
    assert type(span) is Extracted
    with pytest.raises(FrozenInstanceError):
        span.rank = 5  # type: ignore[misc]
