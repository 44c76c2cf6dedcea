"""Calls that may have been counted on both sides of a gateway: listed for people, never merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from tollspan_rater.extract.cluster import GATEWAY
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.explain_money import Bills
from tollspan_rater.query.hop import Hop, Side, hops, nested
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, instant
from tollspan_rater.query.wording import instant as written
from tollspan_rater.query.wording import plain
from tollspan_rater.store.paged import paged

COLUMNS: Final = (
    "started_at", "customer", "outer_customer", "call_id", "outer_call_id", "model", "outer_model", "dialect",
    "outer_dialect", "input_tokens", "output_tokens", "charge", "currency", "why",
)  # fmt: skip
FLAGGED: Final = f"{GATEWAY}: a record of tollspan's own around another one, in one trace"
_FETCH: Final = 1_000

# Calls with equal tokens whose times hang together make a run. A run matters when several sources sent it; the runs
# come in the order of time, so that the first pairs are found without looking at the rest.
_ALIKE: Final = """
    WITH seen AS (
        SELECT * FROM {calls} WHERE kind = 'call' AND input IS NOT NULL AND output IS NOT NULL
    ),
    placed AS (
        SELECT *, max(ended_ns) OVER (alike ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until FROM seen
        WINDOW alike AS (PARTITION BY input, output ORDER BY started_ns, ended_ns DESC, call_id)
    ),
    begun AS (
        SELECT *, max(CASE WHEN until IS NULL OR until < started_ns THEN started_ns END) OVER alike AS began FROM placed
        WINDOW alike AS (PARTITION BY input, output ORDER BY started_ns, ended_ns DESC, call_id)
    ),
    crowded AS (SELECT * FROM begun QUALIFY count(*) OVER (PARTITION BY input, output, began) > 1),
    sent AS (
        SELECT call_id, min(coalesce(process_id, sender)) AS process FROM crowded
        JOIN spans ON spans.tenant = crowded.tenant
            AND spans.trace_id = crowded.evidence[:32] AND spans.span_id = crowded.evidence[34:]
        GROUP BY call_id
    ),
    several AS (
        SELECT *, split_part(dialect, '@', 1) AS source FROM crowded LEFT JOIN sent USING (call_id)
        QUALIFY min((source, process)) OVER (PARTITION BY input, output, began)
             <> max((source, process)) OVER (PARTITION BY input, output, began)
    )
    SELECT dense_rank() OVER (ORDER BY began, input, output) AS run, call_id, started_ns, ended_ns, trace_ids, dialect,
           process, model, response_id, input, output, customer
    FROM several ORDER BY run, started_ns, ended_ns DESC, call_id
"""
_FLAGGED: Final = """
    SELECT dense_rank() OVER (ORDER BY trace_ids) AS run, call_id, started_ns, ended_ns, trace_ids, dialect,
           NULL AS process, model, response_id, input, output, customer
    FROM {calls} WHERE list_contains(flags, ?) ORDER BY started_ns, ended_ns DESC, call_id
"""


def duplicates(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: pairs of calls that may be one request seen on both sides of a gateway, with the charge of the inner."""
    limit = int(params.get("limit", "100"))
    customer = params.get("customer")
    found = [
        list(islice((hop for hop in each if customer is None or customer in _customers(hop)), limit + 1))
        for each in (_alike(scope, params), _flagged(scope, params))
    ]
    every = sorted((hop for each in found for hop in each), key=lambda hop: (hop.inner.started_ns, hop.inner.call_id))
    shown = every[:limit]
    rated = Bills(scope).rated([hop.inner.call_id for hop in shown])
    rows = [_row(hop, rated[hop.inner.call_id]) for hop in shown]
    return Answer(
        "Possible gateway duplicates", COLUMNS, rows, scope.as_of, scope.zone, _notes(rows, len(every) > limit)
    )


def _alike(scope: Scope, params: Mapping[str, str]) -> Iterator[Hop]:
    """Yield the pairs in different traces, with equal tokens."""
    return hops(_sides(scope, params, _ALIKE))


def _flagged(scope: Scope, params: Mapping[str, str]) -> Iterator[Hop]:
    """Yield the calls that settlement has flagged, in one trace."""
    return nested(_sides(scope, params, _FLAGGED, GATEWAY), FLAGGED)


def _sides(scope: Scope, params: Mapping[str, str], query: str, *more: str) -> Iterator[Side]:
    start, end = (instant(params[name], scope.zone) if name in params else None for name in ("from", "to"))
    calls, values = Selection(scope.accounts.tenant, start, end).standing()
    for rows in paged(scope.connection, query.format(calls=calls), [*values, *more], _FETCH):
        yield from map(Side._make, rows)


def _customers(hop: Hop) -> set[str | None]:
    return {side.customer for side in (hop.inner, hop.outer) if side is not None}


def _row(hop: Hop, rated: RatedCall) -> dict[str, Cell]:
    inner, outer = hop.inner, hop.outer
    return {
        "started_at": written(inner.started_ns),
        "customer": inner.customer,
        "outer_customer": outer and outer.customer,
        "call_id": inner.call_id,
        "outer_call_id": outer and outer.call_id,
        "model": inner.model,
        "outer_model": outer and outer.model,
        "dialect": inner.dialect,
        "outer_dialect": outer and outer.dialect,
        "input_tokens": inner.input,
        "output_tokens": inner.output,
        "charge": plain(rated.charged.amount),
        "currency": rated.charged.currency,
        "why": hop.why,
    }


def _notes(rows: list[dict[str, Cell]], more: bool) -> list[str]:  # noqa: FBT001 - whether rows were left out
    if not rows:
        return ["no two calls look like one request on both sides of a gateway"]
    remedy = "all of these calls count; a span rule with `billed_elsewhere` says whose view does not"
    return [remedy, *(["more follow: a larger --limit, or a shorter --from and --to"] if more else [])]
