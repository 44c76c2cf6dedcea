"""The equations of usage and money: what was used, what is on bills, what calls were charged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import orjson

from tollspan_rater.domain.meters import root
from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.bill import billed_periods, rated_periods
from tollspan_rater.query.check import Check
from tollspan_rater.query.scope import Scope, rated_sums
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.line import RatedPeriod
from tollspan_rater.store.filled import filled

ZERO: Final = Decimal(0)
_PLACES: Final = ("on invoice", "not on invoice", "unpriced")

Bill = tuple[str | None, str]  # customer, label of the period


@dataclass(slots=True)
class _Bills:
    """All bills of a tenant, added up."""

    shares: dict[str, list[Decimal]] = field(default_factory=dict)  # of each root meter, by place
    lines: dict[Bill, dict[str, Decimal]] = field(default_factory=dict)  # usage by currency
    aside: dict[str, Decimal] = field(default_factory=dict)  # what no call causes: fees, discounts, bounds

    def add(self, customer: str | None, bill: RatedPeriod) -> None:
        """Add one bill."""
        for place, shares in enumerate((bill.on_invoice, bill.not_on_invoice, bill.unpriced)):
            for share in shares:
                parts = self.shares.setdefault(root(share.meter), [ZERO] * len(_PLACES))
                parts[place] = EXACT.add(parts[place], share.quantity or ZERO)
        lines = self.lines.setdefault((customer, bill.period.label), {})
        for line in bill.lines:
            pot = lines if line.kind == "usage" else self.aside
            pot[line.currency] = EXACT.add(pot.get(line.currency, ZERO), line.amount_exact)


def of_usage_and_money(scope: Scope) -> Iterator[Check]:
    """Compare all bills with the usage of all calls, by meter, and with the charges of all calls, by currency."""
    bills = _Bills()
    wanted = billed_periods(scope)
    for (customer, _period), bill in zip(wanted, rated_periods(scope, wanted), strict=True):
        bills.add(customer, bill)
    yield from _usage(scope, bills)
    yield from _money(scope, bills)


def _usage(scope: Scope, bills: _Bills) -> Iterator[Check]:
    for meter, quantity in sorted(_counted(scope).items()):
        parts = bills.shares.get(meter, [ZERO] * len(_PLACES))
        yield Check(
            f"usage = on invoice + not on invoice + unpriced ({meter})",
            quantity,
            EXACT.add(EXACT.add(parts[0], parts[1]), parts[2]),
            ", ".join(f"{place} {plain(part)}" for place, part in zip(_PLACES, parts, strict=True)),
        )


def _counted(scope: Scope) -> dict[str, Decimal]:
    """Count the usage of all calls by root meter; a total that nobody stated is the sum of its known parts."""
    found = scope.connection.execute(
        f"SELECT units, meter, sum({filled('input')}), sum({filled('output')}), sum(quantity), count(*) "  # noqa: S608 - fixed names
        "FROM calls WHERE tenant = ? GROUP BY kind, units, meter",
        [scope.accounts.tenant],
    ).fetchall()
    counted = {"input": ZERO, "output": ZERO}
    for units, meter, tokens_in, tokens_out, quantity, calls in found:
        parts = {"input": tokens_in, "output": tokens_out}
        each: Mapping[str, str] = {} if units is None else orjson.loads(units)
        for name, amount in each.items():
            if root(name) == name:  # what is part of a total is counted in it
                parts[name] = EXACT.add(parts.get(name) or ZERO, EXACT.multiply(Decimal(amount), Decimal(calls)))
        if meter is not None:
            parts[root(meter)] = EXACT.add(parts.get(root(meter)) or ZERO, quantity)
        for name, amount in parts.items():
            counted[name] = EXACT.add(counted.get(name, ZERO), Decimal(amount or 0))
    return counted


def _money(scope: Scope, bills: _Bills) -> Iterator[Check]:
    charges = _charges(scope)
    currencies = {currency for lines in [*bills.lines.values(), *charges.values()] for currency in lines}
    for currency in sorted(currencies):
        yield Check(
            f"sum of usage lines = sum of the calls' charges ({currency})",
            _sum(bills.lines, currency),
            _sum(charges, currency),
            f"beside fees, discounts and the like of {plain(bills.aside.get(currency, ZERO))}",
        )
    whole = [bill for bill in bills.lines if _known(bills.lines[bill]) == _known(charges.get(bill, {}))]
    yield Check(
        "bills = bills whose lines are what their calls were charged", Decimal(len(bills.lines)), Decimal(len(whole))
    )


def _charges(scope: Scope) -> dict[Bill, dict[str, Decimal]]:
    """Add the charge of every call to the bill of its customer and period."""
    charges: dict[Bill, dict[str, Decimal]] = {}
    for call in rated_sums(scope, {}, ["customer"])[0]:
        currency, amount = call.charged.currency, call.charged.amount
        if currency is not None and amount is not None:
            pot = charges.setdefault((call.row.customer, call.period.label), {})
            pot[currency] = EXACT.add(pot.get(currency, ZERO), amount)
    return charges


def _sum(amounts: Mapping[Bill, Mapping[str, Decimal]], currency: str) -> Decimal:
    total = ZERO
    for of_bill in amounts.values():
        total = EXACT.add(total, of_bill.get(currency, ZERO))
    return total


def _known(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency: amount for currency, amount in amounts.items() if amount}
