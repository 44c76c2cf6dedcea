"""Whatever a table says, numbers that prove something about each other give the provider's totals back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.extract.proofs import INPUT_EXCLUSIVE, INPUT_INCLUSIVE, Stated, add_left_out

tokens = st.integers(1, 10**6)


@given(tokens, tokens, tokens, tokens, st.booleans())
def test_a_total_of_all_shows_an_input_without_its_cache(
    uncached: int, read: int, written: int, output: int, table: bool
) -> None:
    counts = {"input": uncached, "cache_read": read, "cache_write": written, "output": output}
    total = uncached + read + written + output
    flags, sure = add_left_out(counts, Stated(total), cache=table, reasoning=False)
    assert counts["input"] == uncached + read + written
    assert (flags, sure) == (() if table else (INPUT_EXCLUSIVE,), True)


@given(tokens, tokens, tokens, st.booleans())
def test_the_sum_over_modalities_shows_what_the_input_contains(text: int, audio: int, read: int, table: bool) -> None:
    whole = text + audio
    inside = {"input": whole, "cache_read": min(read, whole), "audio_in": audio, "output": 1}
    flags, sure = add_left_out(inside, Stated(text_in=text), cache=table, reasoning=False)
    assert (inside["input"], sure) == (whole, True)
    assert flags == ((INPUT_INCLUSIVE,) if table else ())


@given(tokens, tokens, tokens, st.booleans(), st.booleans())
def test_a_provider_that_keeps_thoughts_apart_tells_by_its_total(
    prompt: int, answer: int, thoughts: int, inside: bool, table: bool
) -> None:
    counts = {"input": prompt, "output": answer + thoughts * inside, "reasoning": thoughts}
    flags, _ = add_left_out(
        counts, Stated(prompt + answer + thoughts, thoughts_apart=True), cache=False, reasoning=table
    )
    assert counts["output"] == answer + thoughts
    assert bool(flags) is (table is inside)


@given(tokens, tokens, tokens, st.booleans())
def test_a_total_of_input_and_output_proves_nothing_of_the_cache(
    stated: int, read: int, output: int, table: bool
) -> None:
    cached = min(read, stated)
    counts = {"input": stated, "cache_read": cached, "output": output}
    flags, sure = add_left_out(counts, Stated(stated + output), cache=table, reasoning=False)
    assert counts["input"] == stated + cached * table
    assert flags == ()
    assert sure is (output + cached == 0)


@given(tokens, tokens, tokens)
def test_other_providers_totals_say_nothing_of_reasoning(prompt: int, answer: int, thoughts: int) -> None:
    counts = {"input": prompt, "output": answer, "reasoning": thoughts}
    add_left_out(counts, Stated(prompt + answer + thoughts), cache=False, reasoning=False)
    assert counts["output"] == answer
