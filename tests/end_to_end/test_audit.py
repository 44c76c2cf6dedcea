"""`audit` holds on a sound folder, and turns red on every kind of damage to a copy of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from tests.end_to_end.process import RaterProcess, example_prices, serving
from tests.end_to_end.sender import SECOND, call_span, calls_request, new_trace, request, send

from tollspan_rater.cli.main import main


def audit(data: Path, *options: str) -> tuple[int, set[str]]:
    """Return the exit code of `audit` and the equations that do not hold."""
    result = CliRunner().invoke(main, ["--data", str(data), "--format", "json", "audit", *options])
    rows = json.loads(result.stdout)
    assert rows
    return result.exit_code, {row["equation"] for row in rows if not row["holds"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with calls of our own instrumentation and of others, a unit measure, copies and prices."""
    data = tmp_path_factory.mktemp("sound") / "data"
    with serving(RaterProcess(data)) as rater:
        rater.execute("customer.set", {"customer": "acme", "plan": "enterprise"})
        rater.execute("pricing.apply", {"files": example_prices()})
        own = request(
            call_span(
                new_trace(), number, tollspan__record__id=f"r{number}", tollspan__process__id="p1", tollspan__seq=number
            )
            for number in range(1, 6)
        )
        own.resource_spans[0].scope_spans[0].scope.name = "tollspan"
        unit = call_span(
            new_trace(),
            1,
            time.time_ns() - SECOND,
            tollspan__meter="page",
            tollspan__quantity="3",
            tollspan__record__id="u1",
        )
        units = request([unit])
        units.resource_spans[0].scope_spans[0].scope.name = "tollspan"
        for body in (own.SerializeToString(), units.SerializeToString(), calls_request(new_trace(), 5)):
            send(rater, "grpc", body)
            send(rater, "grpc", body)
        rater.wait_for_calls(10)
        assert rater.stop() == 0
    return data


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "data"
    shutil.copytree(folder, copy)
    yield copy
    shutil.rmtree(copy)


def test_a_sound_folder(copied: Path) -> None:
    assert audit(copied) == (0, set())
    assert audit(copied, "--full") == (0, set())


def _in_store(data: Path, sql: str) -> None:
    with closing(duckdb.connect(str(data / "store" / "tollspan.duckdb"))) as store:
        changed = store.execute(sql).fetchall()
        assert changed != [(0,)]


A_CALL = "WHERE call_id = (SELECT min(call_id) FROM legs WHERE kind = 'call')"


@pytest.mark.parametrize(
    ("sql", "equation"),
    [
        ("DELETE FROM legs {a_call}", "units, and call spans with none below, = those in a call"),
        ("DELETE FROM legs WHERE kind = 'unit'", "units, and call spans with none below, = those in a call"),
        ("INSERT INTO legs SELECT * FROM legs {a_call}", "call members and unit measures = stored spans that are one"),
        (
            "UPDATE legs SET input = input + 1 {a_call}",
            "stored evidence of chosen measures = calls (input)",
        ),
        (
            "UPDATE legs SET output = output - 1 {a_call}",
            "stored evidence of chosen measures = calls (output)",
        ),
        ("DELETE FROM spans WHERE seq = 2", "pieces journaled = sum of fates"),
        ("DELETE FROM fates WHERE ordinal = 0", "pieces journaled = sum of fates"),
        ("DELETE FROM entries WHERE position = 3", "journal entries applied = last position"),
        ("UPDATE entries SET pieces = pieces + 1 WHERE position = 4", "pieces journaled = sum of fates"),
    ],
)
def test_damage_to_the_store(copied: Path, sql: str, equation: str) -> None:
    _in_store(copied, sql.format(a_call=A_CALL))
    code, broken = audit(copied)
    assert code == 1
    assert equation in broken


def _first_day(data: Path) -> Path:
    return next((data / "journal").glob("*.sqlite"))


def _change_journal(data: Path, sql: str) -> None:
    with closing(sqlite3.connect(_first_day(data))) as journal, journal:
        assert journal.execute(sql).rowcount == 1


def _own_tokens(data: Path) -> None:
    """Change what a call of ours used in evidence and legs alike, so that the store agrees with itself."""
    _in_store(data, "UPDATE spans SET evidence = replace(evidence, '\"i\":101', '\"i\":999') WHERE seq = 1")
    _in_store(data, "UPDATE legs SET input = 999 WHERE record_id = 'r1'")


@pytest.mark.parametrize(
    ("damage", "equation"),
    [
        (
            lambda data: _change_journal(data, "DELETE FROM entry WHERE position = 4"),
            "pieces counted again from the journal = pieces applied",
        ),
        (_own_tokens, "own spans counted again from the journal = their calls (input)"),
    ],
    ids=["a journal entry is gone", "the store agrees with itself, not with the journal"],
)
def test_damage_that_only_counting_again_finds(copied: Path, damage: Callable[[Path], None], equation: str) -> None:
    damage(copied)
    assert audit(copied) == (0, set())
    code, broken = audit(copied, "--full")
    assert code == 1
    assert equation in broken
