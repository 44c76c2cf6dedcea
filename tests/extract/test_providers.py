"""What each provider's usage object means, one row an API or a trap of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.extract.provider_cases import EXACT, PLACES, PROVED, TOTALS, WHOSE, Json, chat, gemini, some
from tests.extract.spans import a_span, an

from tollspan_rater.domain.call import Rejected
from tollspan_rater.domain.meters import TOKEN_METERS, UNIT_METERS
from tollspan_rater.domain.usage import Usage
from tollspan_rater.errors import UnusableValueError
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.normal import fitted
from tollspan_rater.extract.providers.registry import ALL, APIS, SHAPES, api_of
from tollspan_rater.extract.raw import RawReading, read_raw


def read(raw: Json, api: str | None = None) -> RawReading:
    found = read_raw(raw, api)
    assert found is not None
    return found


@pytest.mark.parametrize("case", EXACT)
def test_an_object_is_read_as_its_provider_means_it(case: str) -> None:
    api, raw, usage = EXACT[case]
    found = read(raw, api)
    assert (found.usage, found.flags) == (usage, ())
    assert fitted(usage).usage == usage


@pytest.mark.parametrize("row", PLACES.split("\n")[1:-1])
def test_each_place_fills_its_slot(row: str) -> None:
    api, path, slot = row.split()
    value: Any = [{"modality": "IMAGE", "tokenCount": 7}] if "etails" in path.rpartition(".")[2] else 7
    value = [{"modality": "IMAGE", "tokens": 7}] if path.endswith("_by_modality") else value
    for member in reversed(path.split(".")):
        value = {member: value}
    found = read({**TOTALS[api], **value}, api)
    known = {**found.usage.units, **found.terms, "tier": found.tier, "cost": found.cost}
    assert str(known.get(slot, getattr(found.usage, slot, None))) == "7"
    assert (found.details.get("cost_key") == path) == (slot == "cost")


@pytest.mark.parametrize("named", WHOSE)
def test_an_object_without_a_name_is_told_by_its_members(named: str) -> None:
    api = api_of(dict.fromkeys(named.split(), 1), None)
    assert api is APIS[WHOSE[named]]


@pytest.mark.parametrize("case", PROVED)
def test_the_providers_total_overrides_the_table(case: str) -> None:
    raw, totals, beside = PROVED[case]
    found = read(raw)
    assert ((found.usage.input, found.usage.output), found.flags) == (totals, ())
    assert found.details["proof"].endswith(f"beside input and output: {beside}")


def test_what_only_the_total_holds_was_generated() -> None:
    """Gemini's OpenAI endpoint states its thoughts nowhere but in the total."""
    found = read(chat(35, 12, 109), "openai.chat")
    assert (found.usage, found.flags) == (Usage(input=35, output=74), ("output_from_total",))
    assert found.details == {"stated_total": "109"}


@pytest.mark.parametrize("total", [14, 99])
def test_a_total_that_nothing_explains_is_a_conflict(total: int) -> None:
    raw = {"input_tokens": 10, "output_tokens": 5, "total_tokens": total}
    span = an({"tollspan.usage.raw": str(raw).replace("'", '"'), "gen_ai.operation.name": "chat"})
    assert (span.usage, span.quality) == (Usage(input=10, output=5), "derived")
    assert (span.flags, span.details) == (("total_disagrees",), {"stated_total": str(total)})


def test_terms_tier_and_cost_stand_beside_the_counts() -> None:
    raw = '{"input_tokens": 1, "output_tokens": 2, "service_tier": "batch", "inference_geo": "us", "speed": "fast"}'
    span = an({"tollspan.usage.raw": raw, "tollspan.usage.api": "anthropic.messages", "gen_ai.operation.name": "chat"})
    assert span.service_tier == "batch"
    assert span.terms == {"geo": "us", "speed": "fast", "batch": "true"}
    paid = an({"tollspan.usage.raw": '{"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.00125}'})
    assert paid.reported_cost == Decimal("0.00125")
    assert paid.details == {"cost_currency": "USD", "cost_key": "cost"}


def test_an_object_that_no_known_api_writes_is_not_guessed_at() -> None:
    assert read_raw({"tokens_in": 5}, None) is None
    assert read_raw({"tokens_in": 5}, "acme.chat") is None
    assert api_of({"prompt_tokens": 5}, "acme.chat") is APIS["openai.chat"]


@pytest.mark.parametrize("value", ["12", 12.0, "12.0", " 12 "])
def test_a_number_may_come_as_text_or_double(value: object) -> None:
    assert read({"prompt_tokens": value, "completion_tokens": 1}).usage == Usage(input=12, output=1)


@pytest.mark.parametrize("value", [-1, 1.5, "a", float("nan"), float("inf"), True, 10**12 + 1, [], {}])
def test_what_cannot_be_a_count_goes_to_quarantine(value: object) -> None:
    with pytest.raises(UnusableValueError):
        read({"prompt_tokens": value, "completion_tokens": 1})
    with pytest.raises(UnusableValueError):
        read(gemini(1, 1, 2, promptTokensDetails=[{"modality": "AUDIO", "tokenCount": value}]))
    raw = '{"prompt_tokens": -5}'
    assert isinstance(extract(a_span({"tollspan.usage.raw": raw, "tollspan.usage.api": "openai.chat"})), Rejected)


@pytest.mark.parametrize("value", [None, "", " "])
def test_nothing_is_unknown_and_never_zero(value: object) -> None:
    assert read({"prompt_tokens": value, "completion_tokens": 1}).usage == Usage(output=1)


UNFIT: dict[str, tuple[Usage, Usage, tuple[str, ...], str]] = {
    "caches beyond the input": (
        Usage(input=10, cache_read=8, cache_write=8, cache_write_5m=8, units=some(cache_read_audio=2, web_search=1)),
        Usage(input=10, units=some(web_search=1)),
        ("cache_read_exceeds_input",),
        "cache_read 8, cache_read_audio 2, cache_write 8, cache_write_5m 8",
    ),
    "reasoning beyond the output": (
        Usage(output=5, reasoning=6),
        Usage(output=5),
        ("reasoning_exceeds_output",),
        "reasoning 6",
    ),
    "lifetimes beyond the cache write": (
        Usage(input=10, cache_write=5, cache_write_5m=3, cache_write_1h=3),
        Usage(input=10, cache_write=5),
        ("cache_write_5m_exceeds_cache_write",),
        "cache_write_1h 3, cache_write_5m 3",
    ),
    "modalities that may or may not be cached": (
        Usage(input=10, cache_read=8, audio_in=5),
        Usage(input=10, cache_read=8),
        ("audio_in_exceeds_input",),
        "audio_in 5",
    ),
    "more cached of a modality than there is": (
        Usage(input=10, cache_read=8, audio_in=2, units=some(cache_read_audio=3)),
        Usage(input=10, cache_read=8, audio_in=2),
        ("cache_read_audio_exceeds_audio_in",),
        "cache_read_audio 3",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_parts_that_cannot_be_are_taken_back_and_flagged(case: str) -> None:
    usage, left, flags, unfit = UNFIT[case]
    assert fitted(usage) == (left, flags, unfit)


def test_every_slot_of_a_table_is_a_known_meter_or_term() -> None:
    known = {*TOKEN_METERS, "total"}
    for api in ALL:
        for slot in [*api.keys, *(slot for listed in api.lists.values() for slot in listed.slots.values())]:
            kind, dot, name = slot.partition(".")
            assert (name in UNIT_METERS if kind == "unit" else bool(dot)) or slot in known, (api.name, slot)
        assert all(part in api.keys for parts in (api.beside, *api.proofs) for part in parts), api.name
        assert all(target in APIS for target in api.narrower.values())
    assert {api for _, api in SHAPES} <= APIS.keys()
