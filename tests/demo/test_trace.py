import os
from pathlib import Path

import pytest

from tollspan_rater.demo.trace import TraceRow, instant_ns, read_trace
from tollspan_rater.errors import TraceFileError

SECOND = 1_000_000_000
NOON = 1_700_136_000 * SECOND  # 2023-11-16 12:00:00 UTC
PUBLISHED = {
    "AzureLLMInferenceTrace_code.csv": (8_819, 18_059_974, 245_896),
    "AzureLLMInferenceTrace_conv.csv": (19_366, 22_361_870, 4_088_665),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "trace.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens", "2023-11-16 12:00:00,48,10"),
        ("Timestamp,Model,Request tokens,Response tokens", f"{NOON // SECOND},x,48,10"),
        ("output_tokens,input_tokens,started_at", "10,48,2023-11-16T13:00:00+01:00"),
        ("\ufefftime,prompt_tokens,completion_tokens", "2023-11-16T12:00:00Z,48,10"),
        ("ts, tokens_in , tokens_out", '"2023-11-16 12:00:00", 48 , 10 '),
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, header: str, cells: str) -> None:
    assert read_trace(written(tmp_path, f"{header}\n{cells}\n\n")) == [TraceRow(NOON, 48, 10)]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2023-11-16 12:00:00.9799600", NOON + 979_960_000),
        ("2023-11-16 12:00:00.123456789", NOON + 123_456_789),
        ("2023-11-16T12:00:00.5+00:00", NOON + 500_000_000),
        (f"{NOON // SECOND}.000000001", NOON + 1),
    ],
)
def test_times_are_kept_to_the_nanosecond(text: str, ns: int) -> None:
    assert instant_ns(text) == ns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"trace.csv:1: no column of \[\] tells the time. Name one of them timestamp or time"),
        ("time,input\n", r"trace.csv:1: no column of .* tells the output"),
        ("time,input,output\n", r"trace.csv:1: there is no call in it"),
        ("time,input,output\n2023-11-16,1,2\n2023-11-16,1,2.5\n", r"trace.csv:3: output tokens '2.5' are no whole"),
        ("time,input,output\n2023-11-16,-1,2\n", r"trace.csv:2: input tokens '-1' are no whole number"),
        ("time,input,output\n2023-11-16,1\n", r"trace.csv:2: only 2 cells"),
        ("time,input,output\nyesterday,1,2\n", r"trace.csv:2: the time 'yesterday' cannot be read. Write it like"),
        ("time,input,output\n1700136000000,1,2\n", r"trace.csv:2: the time '1700136000000' cannot be read"),
        ("time,input,output\nNaN,1,2\n", r"trace.csv:2: the time 'NaN' cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TraceFileError, match=said):
        read_trace(written(tmp_path, text))


def test_a_packed_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    with pytest.raises(TraceFileError, match="no CSV in UTF-8"):
        read_trace(path)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_traces_come_out_to_the_token(name: str) -> None:
    folder = Path(os.environ.get("TOLLSPAN_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "azure" / name
    if not path.exists():
        pytest.skip(f"SKIPPED: {path} is not here; set TOLLSPAN_SHARED_DATA to the folder of the published data")
    rows = read_trace(path)
    assert (len(rows), sum(row.input for row in rows), sum(row.output for row in rows)) == PUBLISHED[name]
