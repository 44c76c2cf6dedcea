"""What holds for any usage object, whatever stands in it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.extract.provider_cases import Json, chat, gemini

from tollspan_rater.domain.meters import PARENT, TOKEN_METERS, UNIT_METERS
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.errors import UnusableValueError
from tollspan_rater.extract.normal import fitted, inclusive
from tollspan_rater.extract.providers.registry import APIS
from tollspan_rater.extract.providers.table import Slot
from tollspan_rater.extract.raw import RawReading, read_raw
from tollspan_rater.rating.quantity import exclusive, of_usage


def read(raw: Json, api: str) -> RawReading:
    found = read_raw(raw, api)
    assert found is not None
    return found


small = st.integers(0, 30)


@settings(max_examples=300)
@given(small, small, small, small, st.integers(0, 130), st.sampled_from(["openai.chat", "gemini.generate_content"]))
def test_input_and_output_are_the_providers_total_or_the_call_is_not_exact(
    total_in: int, total_out: int, cached: int, thoughts: int, total: int, api: str
) -> None:
    raw = (
        gemini(total_in, total_out, total, cachedContentTokenCount=cached, thoughtsTokenCount=thoughts)
        if api == "gemini.generate_content"
        else chat(total_in, total_out, total, cached_tokens=cached, reasoning_tokens=thoughts)
    )
    found = read(raw, api)
    assert found.usage.input is not None
    assert found.usage.output is not None
    assert (found.usage.input + found.usage.output == total) or found.flags == ("total_disagrees",)
    assert found.usage.input >= total_in
    assert found.usage.output >= total_out


numbers = st.one_of(st.integers(-2, 50), st.floats(-1, 50), st.text("0123456789.-e", max_size=3), st.none())
entries = st.fixed_dictionaries(
    {"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "DOCUMENT", 4]), "tokenCount": numbers}
)


@st.composite
def objects(draw: st.DrawFn) -> tuple[str, Json]:
    """Any object with the members of some API, and values of any kind in them."""
    api = APIS[draw(st.sampled_from(sorted(APIS)))]

    def filled(tree: Any) -> Json:
        chosen = draw(st.lists(st.sampled_from(sorted(tree)), unique=True, max_size=8))
        return {
            name: filled(tree[name])
            if isinstance(tree[name], dict)
            else draw(numbers if isinstance(tree[name], Slot) else st.lists(entries, max_size=3))
            for name in chosen
        }

    raw = filled(api.tree)
    if draw(st.booleans()):
        raw["iterations"] = [{"type": kind, **filled(api.tree)} for kind in ("compaction", "advisor_message")]
    return api.name, raw


@settings(max_examples=400, deadline=None)
@given(objects())
def test_whatever_an_object_says_no_part_exceeds_its_whole_and_nothing_is_below_zero(drawn: tuple[str, Json]) -> None:
    api, raw = drawn
    try:
        found = read(raw, api)
    except UnusableValueError as error:
        assert error.reason == "bad_usage"  # noqa: PT017 - refusing is as good as reading
        return
    fit = fitted(found.usage)
    own = exclusive(of_usage(fit.usage))
    assert [(meter, amount) for meter, amount in own.items() if amount < 0] == []
    assert bool(fit.flags) == (fit.usage != found.usage) == bool(fit.unfit)
    assert (fit.usage.input, fit.usage.output) == (found.usage.input, found.usage.output)
    for meter in fit.usage.units:
        assert meter not in PARENT or of_usage(fit.usage).get(PARENT[meter]) is not None
    assert fit.usage.units.keys() <= {*TOKEN_METERS, *UNIT_METERS} - set(TOKEN_FIELDS)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(TOKEN_METERS), st.integers(0, 99), min_size=1))
def test_counts_survive_the_normal_form(counts: dict[str, int]) -> None:
    usage = inclusive(dict(counts))
    for meter, count in counts.items():
        held = getattr(usage, meter, None) if meter in TOKEN_FIELDS else usage.units.get(meter)
        assert held == count or (not count and held is None) or (held is None and meter not in TOKEN_FIELDS)
