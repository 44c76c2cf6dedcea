"""What is used by all, divided among cost centres: own, shared, and both together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, cast

from tollspan_rater.config.model import Allocation
from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import UNSAID, ZERO, Sums, share
from tollspan_rater.query.questions import KEYS
from tollspan_rater.query.scope import Scope, grouped_sums
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.allocation import AllocationRule, parts_of, read_weights

Row = dict[str, Cell]
Own = dict[str, dict[str, Decimal]]  # currency -> who -> amount

NOBODY: Final = UNSAID["customer"]  # bears nothing, for nobody is there to be charged

_MEASURES: Final = ("own", "shared", "amount")


def allocation(scope: Scope, params: Mapping[str, str], standard: Allocation) -> Answer:
    """Answer: what each value of a dimension has of its own, bears of the shared, and has in all.

    The shared row gives away what the others bear, so every column adds up and ``own`` and ``amount`` come to the same.
    """
    by, shared = _key(params.get("by", standard.by)), params.get("shared", standard.shared)
    rule = cast("AllocationRule", params.get("rule", standard.rule))
    weights = _weights(params.get("weights") or (rule == "weights" and standard.weights) or "", rule, shared)
    groups, path = grouped_sums(scope, params, [by])
    measure = params.get("measure", "cost")
    rows: list[Row] = []
    notes = list(_unknown(groups.values(), measure))
    for currency, own in sorted(_own(groups, measure).items()):
        bearers = {who: amount for who, amount in own.items() if who not in {NOBODY, shared}}
        parts = parts_of(own.get(shared, ZERO), bearers, rule, weights)
        rows += _rows(by, currency, own, shared, parts)
        if own.get(shared) and not parts:
            notes.append(f"nobody bears the shared {plain(own[shared])} {currency}: nothing else was used")
    columns = (by, *_MEASURES, "share", "currency")
    details = {"rule": rule, "shared": shared, "path": path}
    shown = scope.people(rows) if by == "user" else rows
    return Answer("Allocation", columns, shown, scope.as_of, scope.zone, notes, _totals(rows), details=details)


def _key(name: str) -> str:
    if name not in KEYS:
        raise UsageError(f"allocation.by = {name!r} is no attribution key; give one of: {', '.join(KEYS)}")
    return name


def _weights(text: str, rule: AllocationRule, shared: str) -> dict[str, Decimal]:
    try:
        weights = read_weights([part.strip() for part in text.split(",") if part.strip()])
    except ValueError as error:
        raise UsageError(str(error)) from None
    if bool(weights) != (rule == "weights"):
        raise UsageError("weights and the rule weights go together: give both or none")
    if shared in weights:
        raise UsageError(f"{shared} is what is divided and cannot bear a part: leave it out of the weights")
    return weights


def _own(groups: Mapping[tuple[str | None, ...], Sums], measure: str) -> Own:
    """Return the known amounts by currency; amounts of different currencies are divided apart."""
    found: Own = {}
    for (who, currency), sums in groups.items():
        amounts: Mapping[str, Decimal] = sums.costs
        if measure == "charge":
            amounts = {} if sums.charge is None or currency is None else {currency: sums.charge}
        for of, amount in amounts.items():
            own = found.setdefault(of, {})
            own[who or NOBODY] = EXACT.add(own.get(who or NOBODY, ZERO), amount)
    return found


def _rows(
    by: str, currency: str, own: Mapping[str, Decimal], shared: str, parts: Mapping[str, Decimal]
) -> Iterator[Row]:
    borne = exact_sum(parts.values())
    for who in sorted({*own, *parts}, key=lambda name: (name == NOBODY, name == shared, name)):
        mine = own.get(who, ZERO)
        part = EXACT.minus(borne) if who == shared else parts.get(who, ZERO)
        yield {
            by: who,
            "own": plain(mine),
            "shared": plain(part),
            "amount": plain(EXACT.add(mine, part)),
            "share": share(parts.get(who), borne),
            "currency": currency,
        }


def _unknown(groups: Iterable[Sums], measure: str) -> Iterator[str]:
    missing = sum(one.unpriced if measure == "charge" else one.unknown_cost for one in groups)
    if missing:
        yield f"{missing:,} calls have no known {measure}; it is not counted as 0, nor divided"


def _totals(rows: list[Row]) -> Row | None:
    currencies = {row["currency"] for row in rows}
    if len(currencies) != 1:
        return None
    sums = {name: plain(exact_sum(Decimal(str(row[name])) for row in rows)) for name in _MEASURES}
    return {**sums, "currency": currencies.pop()}
