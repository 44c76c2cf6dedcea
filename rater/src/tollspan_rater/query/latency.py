"""How long calls took: quantiles of time to first token, duration, output length and output rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import Value
from tollspan_rater.query.parts import part_keys, part_steps, stand_in
from tollspan_rater.query.quantile import MEASURES, OUTPUT_LENGTH, QUANTILES, RATE, quantile_columns
from tollspan_rater.query.scope import Scope, Wanted, asked_selection, reader
from tollspan_rater.query.selection import bounds, current
from tollspan_rater.query.standing import any_chained
from tollspan_rater.query.tabulate import Row, ordered
from tollspan_rater.query.wording import plain

_WORDS: Final[Mapping[str, str]] = {
    "ttft_ms": "a time to first token",
    "duration_ms": "a duration",
    "output_tokens": "output tokens",
    RATE: "output tokens and a duration",
}
# A call that ends when it begins says nothing of how long it took. Lengths of output fall into classes by powers of 2.
_TIMED: Final = """
    WITH found AS ({found}),
    lasting AS (
        SELECT *, CASE WHEN ended_ns > started_ns THEN ended_ns - started_ns END AS lasted_ns,
               CASE WHEN output > 0 THEN 1::BIGINT << floor(log2(output))::INTEGER ELSE output END AS output_length
        FROM found WHERE kind = 'call'
    ),
    timed AS (
        SELECT lasting.*, latency_steps.step AS step, output AS output_tokens, lasted_ns // 1000000 AS duration_ms,
               output::HUGEINT * 100000000000 // lasted_ns AS output_tokens_per_second
        FROM lasting ASOF JOIN latency_steps ON lasting.started_ns >= latency_steps.edge
    )
    SELECT {wanted}
"""
_PARTS: Final = "step, min(started_ns){keys} FROM timed GROUP BY step{keys}"
_GROUPS: Final = """place, count(*), {measures} FROM timed JOIN latency_parts ON timed.step = latency_parts.step {same}
    WHERE place IS NOT NULL GROUP BY GROUPING SETS ((place), ())
"""

Key = tuple[str | None, ...]


def latency(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: quantiles of what calls took by any dimensions and output length, and how many calls do not state it.

    A quantile is a value that one of the calls has: the smallest that at least this part of the known ones does not
    exceed. ``totals`` are those of all calls. Nothing is rated: ``reason`` is that of the decision on the usage.

    Raises:
        UsageError: a sort by what is no column.
    """
    by = list(dict.fromkeys(params.get("by", "model").split(",")))
    quantiles = list(dict.fromkeys(params.get("quantiles", "p50,p95").split(",")))
    columns = (*by, "calls", *quantile_columns(quantiles))
    rows: list[Row] = []
    whole: Row | None = None
    for key, figures in _groups(scope, params, by, quantiles):
        row = dict(zip(columns[len(by) :], figures, strict=True))
        if key is None:
            whole = row
        else:
            rows.append(dict(zip(by, key, strict=True)) | row)
    sort = params.get("sort", "calls")
    rows.sort(key=lambda row: tuple(str(row[name]) for name in by))
    rows = ordered(rows, f"{sort}_{quantiles[-1]}" if sort in MEASURES else sort, columns)
    shown: Sequence[Row] = rows[: int(params["top"])] if "top" in params else rows
    if "user" in by:
        shown = scope.people(shown)
    notes = list(_notes(whole, len(rows) - len(shown)))
    return Answer("Latency", columns, shown, scope.as_of, scope.zone, notes, whole)


def length_class(first: int | None) -> str | None:
    """Return the class of output lengths that begins with a power of two, e.g. ``256-511``, or ``0``."""
    if first is None or first <= 1:
        return None if first is None else str(first)
    return f"{first}-{2 * first - 1}"


def _groups(
    scope: Scope, params: Mapping[str, str], by: Sequence[str], quantiles: Sequence[str]
) -> Iterator[tuple[Key | None, list[Cell]]]:
    """Yield the figures of each group, in the order of columns, and those of all together under None."""
    wanted, selection = Wanted(params, scope), asked_selection(scope, params)
    span = bounds(scope.connection, selection)
    if span is None:
        return
    dimensions = list(dict.fromkeys([*by, *wanted.names]))
    keys = [*part_keys(dimensions), *([OUTPUT_LENGTH] if OUTPUT_LENGTH in by else [])]
    query, values = current(selection, chained=any_chained(scope.connection, selection.tenant))
    with _registered(scope, "latency_steps", part_steps(scope, selection, dimensions, span)):
        listed = "".join(f', "{key}"' for key in keys)
        text = _TIMED.format(found=query, wanted=_PARTS.format(keys=listed))
        parts = scope.connection.execute(text, values).fetchall()
        places, groups = _placed(scope, keys, parts, wanted, [_reader(scope, name) for name in by])
        steps, _first, *values_of = zip(*parts, strict=True)
        table = pa.table(
            {"step": steps, "place": pa.array(places, pa.int64()), **dict(zip(keys, values_of, strict=True))}
        )
        with _registered(scope, "latency_parts", table):
            same = " ".join(f'AND timed."{key}" IS NOT DISTINCT FROM latency_parts."{key}"' for key in keys)
            text = _TIMED.format(found=query, wanted=_GROUPS.format(same=same, measures=_measures(quantiles)))
            found = scope.connection.execute(text, values).fetchall() if groups else []
    for place, calls, *figures in found:
        yield None if place is None else groups[place], [calls, *_cells(figures, quantiles)]


def _placed(
    scope: Scope, keys: Sequence[str], parts: Sequence[Sequence[Any]], wanted: Wanted, readers: Sequence[Value]
) -> tuple[list[int | None], list[Key]]:
    """Return the group of each part by its number, None of those that are not wanted, and the groups."""
    columns = ["output" if key == OUTPUT_LENGTH else key for key in keys]
    numbers: dict[Key, int] = {}
    places: list[int | None] = []
    for _step, first_ns, *cells in parts:
        call = stand_in(scope, first_ns, dict(zip(columns, cells, strict=True)))
        key = tuple(read(call) for read in readers)
        places.append(numbers.setdefault(key, len(numbers)) if wanted(call) else None)
    return places, list(numbers)


def _reader(scope: Scope, name: str) -> Value:
    return (lambda call: length_class(call.row.output)) if name == OUTPUT_LENGTH else reader(scope, name)


@contextmanager
def _registered(scope: Scope, name: str, table: pa.Table) -> Iterator[None]:
    scope.connection.register(name, table)
    try:
        yield
    finally:
        scope.connection.unregister(name)


def _measures(quantiles: Sequence[str]) -> str:
    """Return the SQL of the quantiles of each measure, and of how many calls do not state it."""
    asked = ", ".join(QUANTILES[name] for name in quantiles)
    return ", ".join(f"quantile_disc({name}, [{asked}]), count(*) - count({name})" for name in MEASURES)


def _cells(figures: Sequence[Any], quantiles: Sequence[str]) -> Iterator[Cell]:
    """Yield quantiles and counts in the order of columns; rates come as hundredths, nothing known as None."""
    for name, known, unknown in zip(MEASURES, figures[::2], figures[1::2], strict=True):
        values = [None] * len(quantiles) if known is None else known
        yield from values if name != RATE else (_rate(value) for value in values)
        yield unknown


def _rate(hundredths: int | None) -> Decimal | None:
    return None if hundredths is None else plain(Decimal(hundredths).scaleb(-2))


def _notes(whole: Row | None, hidden: int) -> Iterator[str]:
    if whole is None:
        yield "there are no calls"
        return
    for name, count in MEASURES.items():
        if whole[count]:
            yield f"{whole[count]:,} of {whole['calls']:,} calls do not state {_WORDS[name]}; they are not counted as 0"
    if hidden:
        yield f"{hidden:,} more rows are not shown"
