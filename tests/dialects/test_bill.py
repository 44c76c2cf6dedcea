"""What ``python -m tests.dialects`` prints, number by number: the provider's bill is what comes out."""

from __future__ import annotations

import pytest

from tests.dialects.comparison import Compared, compared, holds, report

# What is not on the spans, by neither figure nor sum: it comes out as unknown or lower, never as zero, and only where
# the call says so may a total be short. This list may only shrink.
ABSENT = {
    "otel_genai_1.3b0/gemini": {"input": 1000},
    "otel_genai_1.3b0/gemini_stream": {"input": 1000},
    "traceloop_0.62.4/gemini": {"input": 1000, "output": 150, "reasoning": None},
    "traceloop_0.62.4/gemini_stream": {"input": 1000, "output": 150, "reasoning": None},
    "strands/strands_openai": {"reasoning": None},
    "strands/strands_anthropic": {"reasoning": None},
    "traceloop_0.62.4/openai_chat": {"cache_write": None},
    "traceloop_0.62.4/openai_chat_stream_usage": {"cache_write": None, "reasoning": None},
    "traceloop_0.62.4/openai_chat_retry": {"cache_write": None},
    "traceloop_0.62.4/openai_resp": {"cache_write": None},
    "traceloop_0.62.4/openai_resp_stream": {"cache_write": None},
    "traceloop_0.62.4/lc_openai": {"reasoning": None},
    "vercel_v5/gen_openai_chat": {"cache_read": None, "reasoning": None},
    "vercel_v5/gen_openai_resp": {"cache_read": None, "reasoning": None},
}


@pytest.fixture(scope="module")
def rows() -> list[Compared]:
    return compared()


def test_every_figure_is_the_bills_or_absent_from_the_trace(rows: list[Compared]) -> None:
    assert [(row.recording.name, row.wrong) for row in rows if row.wrong] == []
    assert {row.recording.name: {name: row.total(name) for name in row.absent} for row in rows if row.absent} == ABSENT
    assert holds(rows)


def test_the_printed_sums(rows: list[Compared]) -> None:
    assert list(report(rows))[-4:] == [
        "measured cases 68: all figures exact or absent in 68",
        "figures 408: exact 387, absent 21, wrong 0, silent zeros 0",
        "sum of attributes: input and output right in 28 of 68",
        "unmeasured cases 9: marked 9",
    ]


def test_a_short_total_is_never_called_exact(rows: list[Compared]) -> None:
    short = [row for row in rows if {"input", "output"} & set(row.absent)]
    assert [row.qualities for row in short] == ["lower_bound"] * 4


def test_what_the_provider_did_not_state_is_marked(rows: list[Compared]) -> None:
    unmeasured = {row.recording.name: row.qualities for row in rows if not row.recording.measured}
    assert unmeasured == {
        f"{stack}/{case}": quality
        for stack in ("openinference_2026-11", "otel_genai_1.3b0", "traceloop_0.62.4")
        for case, quality in {
            "openai_chat_stream_nousage": "unmeasured",
            "openai_chat_stream_abort": "unmeasured",
            "anthropic_stream_abort": "lower_bound",
        }.items()
    }
