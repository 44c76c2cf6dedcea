"""``tollspan dialects`` prints the tables, all of them in a line each or one in full."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from tollspan_rater.cli.dialects import FLAGS
from tollspan_rater.cli.main import main
from tollspan_rater.extract.dialects.registry import ALL


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["dialects", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_dialect_has_a_line() -> None:
    assert [line.split()[0] for line in printed().splitlines()] == sorted(dialect.name for dialect in ALL)


def test_one_dialect_is_told_in_full() -> None:
    first, *lines = printed("traceloop.anthropic_0.33.3").splitlines()
    assert first == "traceloop.anthropic_0.33.3@1"
    assert "  scopes before 0.33.4: opentelemetry.instrumentation.anthropic" in lines
    assert "  rule: without any cache count the input is a lower bound: cache_untold" in lines


def test_machines_get_rows() -> None:
    rows = json.loads(printed("--format", "json"))
    assert {row["dialect"] for row in rows} == {dialect.name for dialect in ALL}
    [strands] = [row for row in rows if row["dialect"] == "strands"]
    assert strands["rules"] == [
        "cache reads and writes are added to the input, unless gen_ai.usage.cache_read.input_tokens is there"
    ]


def test_every_flag_of_a_case_has_a_meaning() -> None:
    """What settlement flags, on the lines of calls, is told elsewhere."""
    texts = [path.read_text("utf-8") for path in Path(__file__).parents[1].glob("extract/dialects/*.txt")]
    flags = {flag for text in texts for line in re.findall(r"^-> .*", text, re.MULTILINE) for flag in _flags(line)}
    assert {flag for flag in flags if "_exceeds_" not in flag} <= FLAGS.keys()
    assert len(flags) > 10


def _flags(line: str) -> list[str]:
    return [word.removeprefix("!") for word in line.split() if word.startswith("!")]
