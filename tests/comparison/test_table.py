"""The table of cases: large enough, without doubles, with every case that the field was measured by before."""

from __future__ import annotations

from comparison.case import EXACT, REFUSED, Case
from comparison.cases import all_cases

CASES = all_cases()
NAMES = {case.name for case in CASES}
LEAST = 120

MEASURED_BEFORE = {
    "OpenAI chat": "sync, async, stream, stream no include usage, stream async, stream helper, stream abort close, "
    "stream abort drop, stream abort exception, stream never read, stream async cancel, stream server cut, "
    "stream error event, retry 429 then ok, always 429, timeout then ok, tools, stream tools, parse, parse async, "
    "raw response, raw response stream, streaming response, n2, no usage, null usage, client post, in thread",
    "OpenAI": "completions, embeddings, embeddings async, transcription, image, batch create and retrieve",
    "OpenAI responses": "sync, async, stream, stream async, stream helper, stream abort close, stream server cut, "
    "parse, raw response, tools, background then retrieve, background retrieve twice, retry 500 then ok",
    "Anthropic messages": "sync, async, stream, stream async, stream helper, stream helper async, stream abort close, "
    "stream abort drop, stream helper abort, stream async cancel, stream server cut, stream error event, "
    "retry 429 then ok, always 529, tools, parse, raw response, streaming response, no usage",
    "Anthropic beta": "compaction, stream",
    "Anthropic": "count tokens, batch results",
    "Gemini": "sync, async, stream, stream async, stream abort, retry 429 then ok, always 429, afc two calls, chat, "
    "embed, no usage, count tokens",
}


def test_it_is_large_and_without_doubles() -> None:
    assert len(CASES) >= LEAST
    assert len(NAMES) == len({case.slug for case in CASES}) == len(CASES)


def test_the_cases_of_the_measurement_before_are_among_them() -> None:
    before = {f"{group}: {name}" for group, names in MEASURED_BEFORE.items() for name in names.split(", ")}
    assert len(before) == 82
    assert before - NAMES == set()


def test_every_sdk_has_an_exact_case() -> None:
    exact = {case.sdk for case in CASES if case.expected == (EXACT,)}
    assert exact == {case.sdk for case in CASES}


def test_a_slug_is_a_piece_of_an_address() -> None:
    assert Case("OpenAI chat: stream abort close", "openai", print).slug == "openai-chat.stream-abort-close"
    assert [case.slug for case in CASES if "/" in case.slug or "+" in case.slug] == []


def test_what_a_case_says_of_itself() -> None:
    assert not Case("a", "openai", print, (REFUSED,)).is_charged
    assert Case("a", "openai", print, (REFUSED, EXACT)).is_charged
    assert Case("a", "openai", print, (REFUSED, EXACT)).states_all
    assert not Case("a", "openai", print, (REFUSED,)).states_all
