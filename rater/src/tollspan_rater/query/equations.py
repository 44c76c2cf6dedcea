"""The equations between journal positions, pieces, spans, legs and calls."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tollspan_rater.query.check import Check, values
from tollspan_rater.query.scope import Scope
from tollspan_rater.store import fates

_METERS: Final = ("input", "cache_read", "cache_write", "output", "reasoning")


def of_positions(scope: Scope) -> Iterator[Check]:
    """Every position from 1 to the last was applied once."""
    count, last = values(scope, "SELECT count(*), max(position) FROM entries")
    yield Check("journal entries applied = last position", count, last, "all tenants; each entry once")


def of_pieces(scope: Scope) -> Iterator[Check]:
    """Every piece of every request has exactly one fate."""
    tenant = scope.accounts.tenant
    (pieces,) = values(
        scope, "SELECT sum(pieces) FROM entries WHERE tenant = $tenant AND kind = 'batch'", tenant=tenant
    )
    counted = fates.counts(scope.connection, tenant)
    yield Check(
        "pieces journaled = sum of fates",
        pieces,
        Decimal(sum(counted.values())),
        ", ".join(f"{fate} {count}" for fate, count in sorted(counted.items())) or "nothing yet",
    )


_STORED: Final = f"""
    SELECT count(DISTINCT (trace_id, span_id)) FROM ({fates.CURRENT}) WHERE tenant = $tenant AND fate = 'stored'
"""  # noqa: S608 - our text
_LATE: Final = "SELECT count(*) FILTER (WHERE late) FROM spans WHERE tenant = $tenant AND fate = 'stored'"
_MEMBERS: Final = """
    WITH member AS (SELECT kind, unnest(members) AS name FROM calls WHERE tenant = $tenant),
    stored AS (
        SELECT DISTINCT trace_id || ':' || span_id AS name FROM spans WHERE tenant = $tenant AND fate = 'stored'
    )
    SELECT count(*) FILTER (WHERE kind = 'call'), count(*) FILTER (WHERE kind = 'unit'), count(DISTINCT name),
           count(DISTINCT name) FILTER (WHERE name NOT IN (SELECT name FROM stored)),
           (SELECT count(*) FROM stored WHERE name NOT IN (SELECT name FROM member))
    FROM member
"""


def of_spans(scope: Scope) -> Iterator[Check]:
    """Every stored span shows one call, is one unit measure, or is context."""
    tenant = scope.accounts.tenant
    (stored,), (late,) = values(scope, _STORED, tenant=tenant), values(scope, _LATE, tenant=tenant)
    calls, units, distinct, strangers, context = values(scope, _MEMBERS, tenant=tenant)
    yield Check(
        "stored spans = call members + unit measures + context",
        stored,
        calls + units + context,
        f"call members {calls}, unit measures {units}, context {context}; late {late}",
    )
    yield Check(
        "call members and unit measures = stored spans that are one",
        calls + units,
        distinct - strangers,
        f"in two calls {calls + units - distinct}, not stored {strangers}",
    )


def of_legs(scope: Scope) -> Iterator[Check]:
    """The legs of all revisions add up to the calls as they stand."""
    legs = ", ".join(f"sum(sign * {meter})" for meter in _METERS)
    calls = ", ".join(f"sum({meter})" for meter in _METERS)
    tenant = scope.accounts.tenant
    left = values(scope, f"SELECT sum(sign), {legs} FROM legs WHERE tenant = $tenant", tenant=tenant)  # noqa: S608 - fixed names
    right = values(scope, f"SELECT count(*), {calls} FROM calls WHERE tenant = $tenant", tenant=tenant)  # noqa: S608 - fixed names
    for name, one, other in zip(("number", *_METERS), left, right, strict=True):
        yield Check(f"sum of legs = calls ({name})", one, other)


_EVIDENCE: Final = """
    WITH chosen AS (
        SELECT *, list_contains(flags, 'filled') AS filled FROM calls WHERE tenant = $tenant
    ),
    said AS (
        SELECT trace_id || ':' || span_id AS name,
               arg_max(evidence, (final::INTEGER, -position, -ordinal)) AS said
        FROM spans WHERE tenant = $tenant AND fate = 'stored' GROUP BY ALL
    ),
    parsed AS (
        SELECT chosen.*, json_extract_string(said.said, ['$.u.i', '$.u.o', '$.uq']) AS stated
        FROM chosen LEFT JOIN said ON said.name = chosen.evidence
    )
    SELECT sum(stated[1]::BIGINT) FILTER (WHERE kind = 'call' AND NOT filled),
           sum(input) FILTER (WHERE kind = 'call' AND NOT filled),
           sum(stated[2]::BIGINT) FILTER (WHERE kind = 'call' AND NOT filled),
           sum(output) FILTER (WHERE kind = 'call' AND NOT filled),
           sum(stated[3]::DECIMAL(38, 12)) FILTER (WHERE kind = 'unit'),
           sum(quantity) FILTER (WHERE kind = 'unit'),
           count(*) FILTER (WHERE kind = 'call' AND filled)
    FROM parsed
"""


def of_evidence(scope: Scope) -> Iterator[Check]:
    """What the chosen spans state is what the calls and unit measures hold."""
    *sums, filled = values(scope, _EVIDENCE, tenant=scope.accounts.tenant)
    aside = f"beside {filled} calls whose total was taken from another view" if filled else ""
    for name, place in (("input", 0), ("output", 2), ("unit measures", 4)):
        yield Check(f"stored evidence of chosen measures = calls ({name})", sums[place], sums[place + 1], aside)
