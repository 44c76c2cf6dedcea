"""The equations between journal positions, pieces, spans, legs and calls.

Those between spans and calls take the calls as their spans alone say; what corrections change of them is a matter of
:mod:`correction_balance`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tollspan_rater.query.check import Check, values
from tollspan_rater.query.scope import Scope
from tollspan_rater.store import fates

_METERS: Final = ("input", "cache_read", "cache_write", "output", "reasoning")
_UNITS: Final = "CAST(units::JSON AS MAP(VARCHAR, DECIMAL(38, 12)))"
_ZERO: Final = Decimal(0)


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
# Where a span's call is billed, when a span rule says that it is elsewhere; only such spans changed their role by it.
ELSEWHERE: Final = (
    "CASE WHEN role IN ('context', 'unit') AND evidence <> '' THEN json_extract_string(evidence, '$.ru.el') END"
)
_NOTED: Final = f"""
    SELECT count(*) FILTER (WHERE late), count({ELSEWHERE}) FROM held_spans WHERE tenant = $tenant AND fate = 'stored'
"""  # noqa: S608 - our text
_MEMBERS: Final = """
    WITH member AS (SELECT kind, meter, unnest(members) AS name FROM settled_calls WHERE tenant = $tenant),
    called AS (SELECT DISTINCT name FROM member WHERE kind = 'call'),
    stored AS (
        SELECT trace_id || ':' || span_id AS name FROM held_spans WHERE tenant = $tenant AND fate = 'stored'
    )
    SELECT count(*) FILTER (WHERE kind = 'call'),
           count(DISTINCT name) FILTER (WHERE kind = 'unit' AND name NOT IN (SELECT name FROM called)),
           count(*) FILTER (WHERE kind = 'unit'), count(DISTINCT (name, meter)) FILTER (WHERE kind = 'unit'),
           count(DISTINCT name), count(DISTINCT name) FILTER (WHERE name NOT IN (SELECT name FROM stored)),
           (SELECT count(*) FROM stored WHERE name NOT IN (SELECT name FROM member))
    FROM member
"""


def of_spans(scope: Scope) -> Iterator[Check]:
    """Every stored span shows one call, is one unit measure, or is context."""
    tenant = scope.accounts.tenant
    (stored,), (late, elsewhere) = values(scope, _STORED, tenant=tenant), values(scope, _NOTED, tenant=tenant)
    calls, units, measures, counted, distinct, strangers, context = values(scope, _MEMBERS, tenant=tenant)
    yield Check(
        "stored spans = call members + unit measures + context",
        stored,
        calls + units + context,
        f"call members {calls}, unit measures {units}, context {context}; late {late}, billed elsewhere {elsewhere}",
    )
    yield Check(
        "call members and unit measures = stored spans that are one",
        calls + units,
        distinct - strangers,
        f"in two calls {calls + units - distinct}, not stored {strangers}",
    )
    yield Check(
        "unit measures = meters counted on spans",
        measures,
        counted,
        f"{measures - units} beside a call, or further meters of one span",
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
    in_legs, in_calls = (_other_meters(scope, table) for table in ("legs", "calls"))
    for meter in sorted(in_legs.keys() | in_calls.keys()):
        yield Check(f"sum of legs = calls ({meter})", in_legs.get(meter, _ZERO), in_calls.get(meter, _ZERO))


def _other_meters(scope: Scope, table: str) -> dict[str, Decimal]:
    """Add up what stands in ``units`` by meter."""
    rows = scope.connection.execute(
        f"WITH stated AS (SELECT sign, unnest(map_entries({_UNITS})) AS unit FROM {table} "  # noqa: S608 - fixed names, bound values
        "WHERE tenant = $tenant AND units IS NOT NULL) "
        "SELECT unit.key, sum(sign * unit.value) FROM stated GROUP BY ALL",
        {"tenant": scope.accounts.tenant},
    ).fetchall()
    return dict(rows)


# A call span with others below it may be a container of their calls; one without, and a unit, is always a member.
_SPEAKING: Final = """
    WITH member AS (SELECT unnest(members) AS name FROM settled_calls WHERE tenant = $tenant),
    version AS (SELECT trace_id, span_id, (fate, role) AS held FROM held_spans WHERE tenant = $tenant),
    above AS (SELECT DISTINCT trace_id, parent_id AS span_id FROM spans WHERE tenant = $tenant),
    speaking AS (
        SELECT trace_id || ':' || span_id AS name
        FROM version LEFT JOIN (SELECT *, true AS has_below FROM above) USING (trace_id, span_id)
        WHERE held = ('stored', 'unit') OR (held = ('stored', 'call') AND has_below IS NULL)
    )
    SELECT count(*), count(*) FILTER (WHERE name IN (SELECT name FROM member)) FROM speaking
"""


def of_speaking_spans(scope: Scope) -> Iterator[Check]:
    """No span that must show a call or a unit is left out."""
    speaking, members = values(scope, _SPEAKING, tenant=scope.accounts.tenant)
    yield Check("units, and call spans with none below, = those in a call", speaking, members)


# A total that was filled in must be what some member of the call states; every other one what the chosen member does.
_EVIDENCE: Final = """
    WITH said AS (
        SELECT trace_id || ':' || span_id AS name, evidence AS said
        FROM held_spans WHERE tenant = $tenant AND fate = 'stored'
    ),
    stated AS (
        SELECT name, json_extract_string(said, ['$.u.i', '$.u.o', '$.uq']) AS stated,
               json_extract(said, '$.ru.ct') AS counted
        FROM said
    ),
    member AS (
        SELECT call_id, kind, input, output, quantity, list_contains(flags, 'filled') AS filled,
               name = evidence AS chosen,
               CASE kind WHEN 'call' THEN stated[1]::BIGINT END AS i,
               CASE kind WHEN 'call' THEN stated[2]::BIGINT END AS o,
               coalesce(stated[3], json_extract_string(counted, '$."' || meter || '"[0]'))::DECIMAL(38, 12) AS q
        FROM (SELECT *, unnest(members) AS name FROM settled_calls WHERE tenant = $tenant) LEFT JOIN stated USING (name)
    ),
    call AS (
        SELECT any_value(kind) AS kind, any_value(input) AS input, any_value(output) AS output,
               any_value(quantity) AS quantity, bool_or(filled) AS filled,
               any_value(i) FILTER (WHERE chosen) AS i, any_value(o) FILTER (WHERE chosen) AS o,
               any_value(q) FILTER (WHERE chosen) AS q, list(i) AS inputs, list(o) AS outputs
        FROM member GROUP BY call_id
    )
    SELECT sum(CASE WHEN filled AND i IS NULL AND list_contains(inputs, input) THEN input ELSE i END), sum(input),
           sum(CASE WHEN filled AND o IS NULL AND list_contains(outputs, output) THEN output ELSE o END), sum(output),
           sum(q) FILTER (WHERE kind = 'unit'), sum(quantity) FILTER (WHERE kind = 'unit'),
           count(*) FILTER (WHERE filled)
    FROM call
"""


def of_evidence(scope: Scope) -> Iterator[Check]:
    """What the members of calls state is what the calls and unit measures hold."""
    *sums, filled = values(scope, _EVIDENCE, tenant=scope.accounts.tenant)
    aside = f"{filled} calls took a total from another view" if filled else ""
    for name, place in (("input", 0), ("output", 2), ("unit measures", 4)):
        yield Check(f"stored evidence of chosen measures = calls ({name})", sums[place], sums[place + 1], aside)
