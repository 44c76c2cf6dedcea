"""The equations: is anything missing or counted twice? Every row shows both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.invoice import customers_with_usage, periods_of, rated_period
from tollspan_rater.query.rated import Rater
from tollspan_rater.query.recount import recount
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.senders import gaps
from tollspan_rater.query.wording import plain
from tollspan_rater.store import fates, snapshot
from tollspan_rater.store.folder import Folder

COLUMNS: Final = ("equation", "left", "right", "difference", "holds", "terms")
_METERS: Final = ("input", "cache_read", "cache_write", "output", "reasoning")


@dataclass(frozen=True, slots=True)
class Check:
    """One equation with its numbers; ``terms`` says what the right side is made of."""

    equation: str
    left: Decimal
    right: Decimal
    terms: str = ""

    def row(self) -> dict[str, Cell]:
        """Return the check as cells."""
        difference = EXACT.subtract(self.left, self.right)
        return {
            "equation": self.equation,
            "left": plain(self.left),
            "right": plain(self.right),
            "difference": plain(difference),
            "holds": not difference,
            "terms": self.terms,
        }


def audit(scope: Scope, params: Mapping[str, str], folder: Folder) -> Answer:
    """Answer: the equations of one tenant with their numbers; ``ok`` is False as soon as one does not hold."""
    if "sender" in params:
        return gaps(scope, params["sender"])
    checks: list[Callable[[Scope], Iterator[Check]]] = [_journal, _pieces, _spans, _legs, _usage, _money]
    found = [check for make in checks for check in make(scope)]
    found.extend(_senders(scope))
    if "full" in params:
        found.extend(_recounted(scope, folder))
    rows = [check.row() for check in found]
    ok = all(row["holds"] for row in rows)
    notes = ["every equation holds" if ok else "a difference: tollspan explain TRACE shows the fate of each piece"]
    if "full" not in params:
        notes.append("tollspan audit --full counts again from the journal's bytes")
    return Answer("Audit", COLUMNS, rows, scope.as_of, scope.zone, notes, ok=ok)


def _one(scope: Scope, sql: str, *values: object) -> list[object]:
    rows = scope.connection.execute(sql, list(values)).fetchall()
    return list(rows[0])


def _number(value: object) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _journal(scope: Scope) -> Iterator[Check]:
    count, first, last = _one(
        scope, "SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM entries"
    )
    yield Check(
        "journal positions applied = last - first + 1",
        _number(count),
        _number(last) - _number(first) + 1,
        "all tenants; each entry once",
    )


def _pieces(scope: Scope) -> Iterator[Check]:
    (pieces,) = _one(
        scope,
        "SELECT sum(pieces) FROM entries WHERE tenant = ? AND kind = 'batch'",
        scope.accounts.tenant,
    )
    counted = fates.counts(scope.connection, scope.accounts.tenant)
    yield Check(
        "pieces journaled = sum of fates",
        _number(pieces),
        Decimal(sum(counted.values())),
        ", ".join(f"{fate} {count}" for fate, count in sorted(counted.items())) or "nothing yet",
    )


_STORED: Final = f"""
    SELECT count(DISTINCT (trace_id, span_id)) FROM ({fates.CURRENT}) WHERE tenant = ? AND fate = 'stored'
"""  # noqa: S608 - our text
_MEMBERS: Final = """
    WITH member AS (SELECT kind, unnest(members) AS name FROM calls WHERE tenant = $tenant),
    stored AS (
        SELECT DISTINCT trace_id || ':' || span_id AS name FROM spans WHERE tenant = $tenant AND fate = 'stored'
    )
    SELECT count(*) FILTER (WHERE kind = 'call'), count(*) FILTER (WHERE kind = 'unit'), count(DISTINCT name),
           count(*) FILTER (WHERE name NOT IN (SELECT name FROM stored)),
           (SELECT count(*) FROM stored WHERE name NOT IN (SELECT name FROM member))
    FROM member
"""


def _spans(scope: Scope) -> Iterator[Check]:
    (stored,) = _one(scope, _STORED, scope.accounts.tenant)
    row = scope.connection.execute(_MEMBERS, {"tenant": scope.accounts.tenant}).fetchall()[0]
    calls, units, distinct, strangers, context = (Decimal(value) for value in row)
    yield Check(
        "stored spans = call members + unit measures + context",
        _number(stored),
        calls + units + context,
        f"call members {calls}, unit measures {units}, context {context}",
    )
    yield Check("each member in one call, and stored", calls + units, distinct - strangers)


def _legs(scope: Scope) -> Iterator[Check]:
    for meter in _METERS:
        (legs,) = _one(scope, f"SELECT sum(sign * {meter}) FROM legs WHERE tenant = ?", scope.accounts.tenant)  # noqa: S608 - fixed names
        (calls,) = _one(scope, f"SELECT sum({meter}) FROM calls WHERE tenant = ?", scope.accounts.tenant)  # noqa: S608 - fixed names
        yield Check(f"sum of legs = calls ({meter})", _number(legs), _number(calls))
    yield from _evidence(scope)


# A total that was filled in must be what some member of the call states; every other one what the chosen member does.
_EVIDENCE: Final = """
    WITH said AS (
        SELECT trace_id || ':' || span_id AS name, arg_max(evidence, (final::INTEGER, -position, -ordinal)) AS said
        FROM spans WHERE tenant = $tenant AND fate = 'stored' GROUP BY trace_id, span_id
    ),
    member AS (
        SELECT call_id, any_value(input) AS input, any_value(output) AS output,
               bool_or(list_contains(flags, 'filled')) AS filled,
               any_value((said->>'$.u.i')::BIGINT) FILTER (WHERE name = evidence) AS chosen_input,
               any_value((said->>'$.u.o')::BIGINT) FILTER (WHERE name = evidence) AS chosen_output,
               list((said->>'$.u.i')::BIGINT) AS inputs,
               list((said->>'$.u.o')::BIGINT) AS outputs
        FROM (SELECT *, unnest(members) AS name FROM calls WHERE tenant = $tenant AND kind = 'call')
        LEFT JOIN said USING (name)
        GROUP BY call_id
    )
    SELECT sum(CASE WHEN filled AND chosen_input IS NULL AND list_contains(inputs, input)
                    THEN input ELSE chosen_input END), sum(input),
           sum(CASE WHEN filled AND chosen_output IS NULL AND list_contains(outputs, output)
                    THEN output ELSE chosen_output END), sum(output)
    FROM member
"""


def _evidence(scope: Scope) -> Iterator[Check]:
    row = scope.connection.execute(_EVIDENCE, {"tenant": scope.accounts.tenant}).fetchall()[0]
    yield Check("stored evidence of chosen measures = calls (input)", _number(row[0]), _number(row[1]))
    yield Check("stored evidence of chosen measures = calls (output)", _number(row[2]), _number(row[3]))


def _usage(scope: Scope) -> Iterator[Check]:
    """Compare, per meter, the usage of all calls with what invoices put on a line, leave off or cannot price."""
    split: dict[str, list[Decimal]] = {}
    for customer in [None, *customers_with_usage(scope)]:
        for period in periods_of(scope, customer):
            bill = rated_period(scope, customer, period)
            for place, shares in enumerate((bill.on_invoice, bill.not_on_invoice, bill.unpriced)):
                for share in shares:
                    parts = split.setdefault(share.meter, [Decimal(0)] * 3)
                    parts[place] = EXACT.add(parts[place], share.quantity or Decimal(0))
    inclusive = _inclusive({meter: tuple(parts) for meter, parts in split.items()})
    sums = _one(
        scope,
        f"SELECT {', '.join(f'sum({name})' for name in TOKEN_FIELDS)} FROM calls WHERE tenant = ? AND kind = 'call'",  # noqa: S608 - fixed names
        scope.accounts.tenant,
    )
    counted = dict(zip(TOKEN_FIELDS, sums, strict=True))
    for meter in ("input", "output"):
        of_meter = inclusive.get(meter, (Decimal(0),) * 3)
        yield Check(
            f"usage = on invoice + not on invoice + unpriced ({meter})",
            _number(counted[meter]),
            sum(of_meter, Decimal(0)),
            f"on invoice {of_meter[0]:f}, not on invoice {of_meter[1]:f}, unpriced {of_meter[2]:f}",
        )


_ROOT: Final = {
    "cache_read": "input", "cache_write": "input", "cache_write_5m": "input", "cache_write_1h": "input",
    "audio_in": "input", "image_in": "input", "reasoning": "output", "audio_out": "output",
}  # fmt: skip


def _inclusive(split: Mapping[str, tuple[Decimal, ...]]) -> dict[str, tuple[Decimal, ...]]:
    totals: dict[str, tuple[Decimal, ...]] = {}
    for meter, parts in split.items():
        root = _ROOT.get(meter, meter)
        before = totals.get(root, (Decimal(0),) * 3)
        totals[root] = tuple(EXACT.add(one, other) for one, other in zip(before, parts, strict=True))
    return totals


def _money(scope: Scope) -> Iterator[Check]:
    """Compare the lines of all bills with the marginal charges of all calls and the base fees, per currency."""
    lines: dict[str, Decimal] = {}
    fees: dict[str, Decimal] = {}
    for customer in [None, *customers_with_usage(scope)]:
        for period in periods_of(scope, customer):
            for line in rated_period(scope, customer, period).lines:
                pot = fees if line.kind == "base_fee" else lines
                pot[line.currency] = EXACT.add(pot.get(line.currency, Decimal(0)), line.amount_exact)
    charges: dict[str, Decimal] = {}
    for call in Rater(scope.accounts).rate(select(scope.connection, Selection(scope.accounts.tenant))):
        currency, amount = call.charged.currency, call.charged.amount
        if currency is not None and amount is not None:
            charges[currency] = EXACT.add(charges.get(currency, Decimal(0)), amount)
    for currency in sorted({*lines, *charges}):
        yield Check(
            f"sum of usage lines = sum of the calls' charges ({currency})",
            lines.get(currency, Decimal(0)),
            charges.get(currency, Decimal(0)),
            f"beside base fees of {plain(fees.get(currency, Decimal(0)))}",
        )


def _senders(scope: Scope) -> Iterator[Check]:
    row = _one(
        scope,
        "SELECT count(*), sum(highest), sum(seen) FROM (SELECT process_id, max(seq) AS highest, "
        "count(DISTINCT seq) AS seen FROM spans WHERE tenant = ? AND seq IS NOT NULL GROUP BY process_id)",
        scope.accounts.tenant,
    )
    processes, highest, seen = row
    missing = _number(highest) - _number(seen)
    yield Check(
        "highest seq of each sending process = distinct seqs + gaps",
        _number(highest),
        _number(seen) + missing,
        f"{processes} processes, {missing} records lost before they reached us",
    )


_OWN: Final = """
    WITH said AS (
        SELECT trace_id || ':' || span_id AS evidence, min(position) AS position
        FROM spans WHERE tenant = $tenant AND fate = 'stored' GROUP BY ALL
    )
    SELECT evidence, input, output FROM calls JOIN said USING (evidence)
    WHERE calls.tenant = $tenant AND kind = 'call' AND dialect LIKE 'tollspan@%' AND said.position > $base
"""


def _recounted(scope: Scope, folder: Folder) -> Iterator[Check]:
    """Compare what the journal's bytes say with the store, for the positions that are still in the journal."""
    counted = recount(folder.journal, scope.accounts.tenant)
    base = counted.base
    if base:
        covering = snapshot.latest(folder.snapshots)
        covered = 0 if covering is None else min(base, covering.position)
        yield Check(
            "positions no longer in the journal = covered by the newest snapshot",
            Decimal(base),
            Decimal(covered),
            f"positions 1 to {base} left with their days; what follows compares the positions after them",
        )
    (pieces,) = _one(
        scope,
        "SELECT sum(pieces) FROM entries WHERE tenant = ? AND kind = 'batch' AND position > ?",
        scope.accounts.tenant,
        base,
    )
    yield Check("pieces counted again from the journal = pieces applied", Decimal(counted.pieces), _number(pieces))
    chosen = scope.connection.execute(_OWN, {"tenant": scope.accounts.tenant, "base": base}).fetchall()
    again = [Decimal(0), Decimal(0)]
    stored = [Decimal(0), Decimal(0)]
    for evidence, *usage in chosen:
        trace_id, _, span_id = evidence.partition(":")
        first = counted.first.get((scope.accounts.tenant, trace_id, span_id), (None, None))
        for place in (0, 1):
            again[place] += first[place] or 0
            stored[place] += usage[place] or 0
    for place, meter in enumerate(("input", "output")):
        yield Check(f"own spans counted again from the journal = their calls ({meter})", again[place], stored[place])
