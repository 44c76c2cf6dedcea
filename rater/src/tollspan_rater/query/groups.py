"""A customer's usage of a period as groups that are priced alike: what an invoice is rated from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import duckdb
import orjson

from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.query.filled import filled
from tollspan_rater.query.rated import DEFAULT_POLICY
from tollspan_rater.rating.decision import CallFacts, Decision, decide
from tollspan_rater.rating.line import UsageGroup

_KEYS: Final = ("provider", "model", "environment", "phase", "outcome", "billable", "attempt", "retried", "quality")
_CURRENT: Final = """
    WITH chains AS (
        SELECT retry_of AS chain, max(attempt) AS last FROM calls
        WHERE tenant = $tenant AND retry_of IS NOT NULL GROUP BY retry_of
    )
    SELECT calls.*, coalesce(calls.attempt, 1) < coalesce(chains.last, 0) AS retried
    FROM calls LEFT JOIN chains ON chains.chain = coalesce(calls.retry_of, calls.record_id)
    WHERE tenant = $tenant AND customer IS NOT DISTINCT FROM $customer
      AND started_ns >= $start AND started_ns < $end
"""
GroupKey = tuple[str | None, str | None, Decision, int]


def usage_groups(
    connection: duckdb.DuckDBPyConnection,
    tenant: str,
    customer: str | None,
    segments: tuple[Segment, ...],
    phase: str | None,
) -> list[UsageGroup]:
    """Return the usage of one customer in a period, summed up in the database, one group a way to be priced."""
    groups: dict[GroupKey, _Sums] = defaultdict(_Sums)
    for number, segment in enumerate(segments):
        policy = DEFAULT_POLICY if segment.plan is None else segment.plan.policy
        values = {"tenant": tenant, "customer": customer, "start": segment.start_ns, "end": segment.end_ns}
        for key, sums in _rows(connection, values):
            provider, model, environment, call_phase, outcome, billable, attempt, retried, quality = key
            said = call_phase or segment.phase or phase
            facts = CallFacts(environment, said, outcome, billable, attempt, retried, quality)
            groups[provider, model, decide(facts, policy), number].add(sums)
    return [
        UsageGroup(provider, model, decision, number, sums.calls, dict(sums.quantities), dict(sums.unknown))
        for (provider, model, decision, number), sums in groups.items()
    ]


class _Sums:
    """Calls, known quantities by meter, and counts of calls that do not state a total."""

    def __init__(self) -> None:
        self.calls = 0
        self.quantities: dict[str, Decimal] = {}
        self.unknown: Counter[str] = Counter()

    def add(self, other: _Sums) -> None:
        """Add another group's sums."""
        self.calls += other.calls
        self.unknown.update(other.unknown)
        for meter, quantity in other.quantities.items():
            self.quantities[meter] = EXACT.add(self.quantities.get(meter, Decimal(0)), quantity)


def _rows(connection: duckdb.DuckDBPyConnection, values: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], _Sums]]:
    keys = ", ".join(_KEYS)
    sums = ", ".join(f"sum({filled(name)}) AS {name}" for name in TOKEN_FIELDS)
    tokens = connection.execute(
        f"WITH found AS ({_CURRENT}) SELECT {keys}, count(*) AS calls, "  # noqa: S608 - fixed names, bound values
        f"count(*) FILTER (WHERE {filled('input')} IS NULL) AS no_input, "
        f"count(*) FILTER (WHERE {filled('output')} IS NULL AND operation IS DISTINCT FROM 'embeddings'), "
        f"{sums} FROM found WHERE kind = 'call' GROUP BY {keys}",
        values,
    ).fetchall()
    for row in tokens:
        of_group = _Sums()
        calls, no_input, no_output, *counts = row[len(_KEYS) :]
        of_group.calls = calls
        of_group.unknown.update({"input": no_input, "output": no_output})
        of_group.quantities["request"] = Decimal(calls)
        for name, count in zip(TOKEN_FIELDS, counts, strict=True):
            if count is not None:
                of_group.quantities[name] = Decimal(count)
        yield row[: len(_KEYS)], of_group
    yield from _units(connection, values, keys)


def _units(
    connection: duckdb.DuckDBPyConnection, values: dict[str, Any], keys: str
) -> Iterator[tuple[tuple[Any, ...], _Sums]]:
    """Yield what calls used besides tokens, and unit measures, which are no calls."""
    rows = connection.execute(
        f"WITH found AS ({_CURRENT}) SELECT {keys}, units, NULL, NULL, 0 FROM found "  # noqa: S608 - fixed names, bound values
        f"WHERE kind = 'call' AND units IS NOT NULL "
        f"UNION ALL SELECT {keys}, NULL, meter, sum(quantity), count(*) FROM found WHERE kind = 'unit' "
        f"GROUP BY {keys}, meter",
        values,
    ).fetchall()
    for row in rows:
        of_group = _Sums()
        units, meter, quantity, of_group.calls = row[len(_KEYS) :]
        if units is not None:
            of_group.quantities.update({name: Decimal(text) for name, text in orjson.loads(units).items()})
        else:
            of_group.quantities[meter] = quantity
        yield row[: len(_KEYS)], of_group
