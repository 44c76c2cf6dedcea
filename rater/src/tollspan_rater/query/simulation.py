"""The same usage under several sets of prices, side by side: revenue, provider cost, margin, winners and losers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Final

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.bill import rated_periods, with_usage_or_plan
from tollspan_rater.query.grouping import share
from tollspan_rater.query.scope import Scope, rated_sums
from tollspan_rater.query.supposed_prices import book, files_of, supposed, under
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import RatedPeriod
from tollspan_rater.store.state import PriceVersion

COLUMNS: Final = (
    "part", "scenario", "customer", "period", "currency", "customers", "revenue", "cost", "margin", "margin_percent",
    "difference", "change", "pays_more", "pays_less", "unpriced",
)  # fmt: skip
AS_APPLIED: Final = "as applied"
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One set of prices, under which everything is rated."""

    name: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Cost:
    """What providers charged for a customer's calls, by currency; ``unknown`` counts the calls without a known cost."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    unknown: int = 0


Costs = dict[tuple[Period, str | None], Cost]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A customer's bill of a period under one scenario, in one currency.

    ``revenue`` is what the bill comes to, ``None`` when nothing is priced; ``cost`` is ``None`` where it is not
    known in that currency. ``unpriced`` counts the meters that have usage without a price.
    """

    scenario: str
    customer: str
    period: str
    currency: str | None
    revenue: Decimal | None
    cost: Decimal | None
    unpriced: int

    @property
    def margin(self) -> Decimal | None:
        """Revenue less cost, None where one of them is unknown."""
        return None if self.revenue is None or self.cost is None else EXACT.subtract(self.revenue, self.cost)


def pricing_simulate(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: a past period as applied and under other prices or plans; nothing is written."""
    folders = _folders(params.get("folders"))
    plans = params["plan"].split(",") if "plan" in params else []
    if not folders and not plans:
        raise UsageError("pricing.simulate needs something to try: a pricing folder, or --plan NAME of those applied")
    known = [Scenario(AS_APPLIED, scope), *scenarios(scope, folders, plans)]
    names = [params["customer"]] if "customer" in params else with_usage_or_plan(scope)
    wanted = [(name, _period(scope, name, params.get("against"))) for name in names]
    return simulated(known, wanted, int(params["top"]) if "top" in params else None)


def scenarios(scope: Scope, folders: Mapping[str, Mapping[str, str]], plans: Sequence[str]) -> list[Scenario]:
    """Return every folder with the plans that customers have, or with each plan for all; no folder: those applied.

    Raises:
        NotFoundError: a plan is in none of the cards and plans that it is asked for with.
        PricingError: a folder has an error.
    """
    sets: dict[str, list[PriceVersion]] = {
        name: [supposed(scope.accounts.tenant, files)] for name, files in folders.items()
    }
    found = []
    for (name, versions), plan in product(
        (sets or {"": scope.accounts.versions}).items(), list(plans) if plans else [None]
    ):
        if plan is not None and not any(plan in book(version).plans for version in versions):
            raise NotFoundError("plan", plan, "Name one of the plans in the folder, or of those applied.")
        words = [word for word in (name, None if plan is None else f"plan {plan}") if word]
        found.append(Scenario(", ".join(words), under(scope, versions, plan)))
    return found


def simulated(known: Sequence[Scenario], wanted: Sequence[tuple[str, Period]], top: int | None = None) -> Answer:
    """Rate customers' periods under each scenario; the first scenario is what the others are held against."""
    costs: dict[str, Costs] = {}
    for one in known:
        book_name = one.scope.accounts.cost_book().version
        if book_name not in costs:
            costs[book_name] = _costs(one.scope, {period for _, period in wanted})
    outcomes = [
        outcome for one in known for outcome in _outcomes(one, wanted, costs[one.scope.accounts.cost_book().version])
    ]
    base = {(one.customer, one.period, one.currency): one.revenue for one in outcomes if one.scenario == known[0].name}
    rows = list(_customer_rows(outcomes, base))
    shown = _largest(rows, top)
    scope = known[0].scope
    return Answer(
        "Simulation", COLUMNS, [*_scenario_rows(known, rows), *shown], scope.as_of, scope.zone,
        list(_notes(known, wanted, outcomes, len({row["customer"] for row in rows}), shown)),
    )  # fmt: skip


def _folders(text: str | None) -> dict[str, dict[str, str]]:
    if text is None:
        return {}
    try:
        said = json.loads(text)
    except ValueError as error:
        raise UsageError(f"folders is no JSON: {error}. Give {{name: {{file name: text}}}}.") from error
    if not isinstance(said, dict):
        raise UsageError("folders must be a JSON object {name: {file name: text}}")
    return {str(name): files_of(json.dumps(files)) for name, files in said.items()}


def _period(scope: Scope, customer: str, label: str | None) -> Period:
    accounts = scope.accounts
    if label is not None:
        return accounts.period(customer, label)
    return accounts.period_at(customer, accounts.period_at(customer, scope.now_ns).start_ns - 1)


def _outcomes(scenario: Scenario, wanted: Sequence[tuple[str, Period]], costs: Costs) -> Iterator[Outcome]:
    for (customer, period), bill in zip(wanted, rated_periods(scenario.scope, wanted), strict=True):
        yield from _of_bill(scenario, customer, bill, costs.get((period, customer), Cost()))


def _of_bill(scenario: Scenario, customer: str, bill: RatedPeriod, cost: Cost) -> Iterator[Outcome]:
    """Yield the outcome of a bill in each of its currencies; the cost counts in its own, else in the first."""
    revenue = {money.currency: money.amount for money in bill.totals}
    plan = scenario.scope.accounts.currency(customer)
    home = plan or next(iter([*revenue, *cost.amounts]), None)
    unpriced = len({share.meter for share in bill.unpriced})
    for currency in dict.fromkeys([home, *revenue]):
        first = currency == home
        spent = cost.amounts.get(currency or "")
        known = not cost.unknown and set(cost.amounts) <= {currency}
        nothing = ZERO if plan is not None and first else None
        yield Outcome(
            scenario.name, customer, bill.period.label, currency, revenue.get(currency or "", nothing),
            (spent or ZERO) if first and known else None, unpriced if first else 0,
        )  # fmt: skip


def _costs(scope: Scope, periods: Iterable[Period]) -> Costs:
    """Add up what the providers charged in each period, by customer: one pass for all customers of a period."""
    found: Costs = {}
    for period in periods:
        span = {"from": str(instant(period.start_ns)), "to": str(instant(period.end_ns))}
        calls, _path = rated_sums(scope, span, ["customer"])
        for call in calls:
            before = found.get((period, call.row.customer), Cost())
            if isinstance(call.cost, Unknown):
                after = Cost(before.amounts, before.unknown + call.calls)
            else:
                currency, amount = call.cost.currency, call.cost.amount
                sums = {**before.amounts, currency: EXACT.add(before.amounts.get(currency, ZERO), amount)}
                after = Cost(sums, before.unknown)
            found[period, call.row.customer] = after
    return found


def _customer_rows(
    outcomes: Iterable[Outcome], base: Mapping[tuple[str, str, str | None], Decimal | None]
) -> Iterator[dict[str, Cell]]:
    for one in outcomes:
        before = base.get((one.customer, one.period, one.currency))
        difference = None if one.revenue is None else EXACT.subtract(one.revenue, before or ZERO)
        yield {
            "part": "customer", "scenario": one.scenario, "customer": one.customer, "period": one.period,
            "currency": one.currency, "revenue": one.revenue, "difference": difference, "unpriced": one.unpriced,
            "change": _change(difference), **_earned(one.revenue, one.cost),
        }  # fmt: skip


def _scenario_rows(known: Sequence[Scenario], rows: Sequence[Mapping[str, Cell]]) -> Iterator[dict[str, Cell]]:
    """Add up the customers of each scenario, currencies apart; an unknown cost leaves the margin unknown."""
    for one in known:
        of_scenario = [row for row in rows if row["scenario"] == one.name]
        for currency in sorted({str(row["currency"]) for row in of_scenario if row["currency"] is not None}):
            mine = [row for row in of_scenario if row["currency"] == currency]
            costs = [row["cost"] for row in mine]
            customers = len({row["customer"] for row in mine})
            revenue = _added(mine, "revenue")
            yield {
                "part": "scenario", "scenario": one.name, "currency": currency, "customers": customers,
                "revenue": revenue, "difference": _added(mine, "difference"),
                "pays_more": sum(row["change"] == "pays more" for row in mine),
                "pays_less": sum(row["change"] == "pays less" for row in mine),
                "unpriced": sum(int(str(row["unpriced"])) for row in mine),
                **_earned(revenue, None if None in costs else _added(mine, "cost")),
            }  # fmt: skip


def _earned(revenue: Decimal | None, cost: Decimal | None) -> dict[str, Cell]:
    margin = None if revenue is None or cost is None else EXACT.subtract(revenue, cost)
    return {"cost": plain(cost), "margin": plain(margin), "margin_percent": share(margin, revenue)}


def _added(rows: Iterable[Mapping[str, Cell]], name: str) -> Decimal:
    return exact_sum(value for row in rows if isinstance(value := row[name], Decimal))


def _change(difference: Decimal | None) -> str | None:
    if difference is None:
        return None
    if not difference:
        return "pays the same"
    return "pays more" if difference > 0 else "pays less"


def _largest(rows: Sequence[dict[str, Cell]], top: int | None) -> list[dict[str, Cell]]:
    """Return the rows by customer, those first whose bill moves most in any scenario."""
    moves: dict[str, Decimal] = {}
    for row in rows:
        name, difference = str(row["customer"]), row["difference"]
        moved = abs(difference) if isinstance(difference, Decimal) else ZERO
        moves[name] = max(moves.get(name, ZERO), moved)
    order = sorted(moves, key=lambda name: (-moves[name], name))[:top]
    place = {name: number for number, name in enumerate(order)}
    return sorted((row for row in rows if row["customer"] in place), key=lambda row: place[str(row["customer"])])


def _notes(
    known: Sequence[Scenario],
    wanted: Sequence[tuple[str, Period]],
    outcomes: Sequence[Outcome],
    customers: int,
    shown: Sequence[Mapping[str, Cell]],
) -> Iterator[str]:
    yield f"differences are to {known[0].name!r}; revenue is what the bills come to, net of tax"
    labels = Counter(period.label for _, period in wanted)
    yield from (f"period {label} of {labels[label]:,} customers" for label in sorted(labels))
    hidden = customers - len({row["customer"] for row in shown})
    if hidden:
        yield f"{hidden:,} more customers are not shown; every total has them"
    if any(one.unpriced for one in outcomes):
        yield "usage without a price is on no bill: see the column unpriced, and tollspan pricing diff for the meters"
    if any(one.cost is None for one in outcomes):
        yield "a cost that is not known, or in another currency, leaves the margin unknown; it is not counted as 0"
    yield "nothing was written"
