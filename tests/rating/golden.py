"""Golden bills: worked out by hand, kept as YAML files that a reader can follow, read and rated here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from tests.rating.calls import Call, Seen
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import read_addon_assignments, read_assignments
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.subscription import Subscription
from tollspan_rater.rating.line import RatedPeriod
from tollspan_rater.rating.rate import rate

FOLDER: Final = Path(__file__).parent / "golden"
CUSTOMER: Final = "acme"
USAGE_KEYS: Final = ("at", "times", "model", "provider")
NOT_METERS: Final = ("feature", "environment", "phase", "outcome", "service_tier", "region", "user")
LATEST: Final = 2
LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the same in C where it is built

Data = dict[str, Any]


@dataclass(frozen=True)
class Golden:
    """One bill of the table; ``row`` is what its file says, every value as text."""

    chapter: str
    row: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The row's id."""
        return str(self.row["id"])

    @property
    def files(self) -> dict[str, str]:
        """The pricing folder, as an author writes it."""
        row, currency = self.row, self.row.get("currency", "USD")
        found = {
            "card.yaml": self.card(row["prices"]),
            "plan.yaml": f"plan: paid\ncurrency: {currency}\ncards: [list]\n{row.get('plan', '')}",
        }
        if "terms" in row:
            found["terms.yaml"] = f"terms: {CUSTOMER}\n{row['terms']}"
        if "others" in row:
            found["others.yaml"] = row["others"]
        return found

    def card(self, prices: str) -> str:
        """Return the row's rate card with these prices; meters are a list, or a mapping in braces."""
        meters = self.row.get("meters", "")
        declared = f"meters: {meters if meters.startswith('{') else f'[{meters}]'}\n"
        return f"card: list\ncurrency: {self.row.get('currency', 'USD')}\n{declared}prices:\n{prices}"

    def subscription(self) -> Subscription:
        """Return what the customer holds: the plan since ever, if the row says nothing else."""
        zone, customer = self.row.get("zone", "UTC"), self.row.get("customer", {})
        applied = [Applied(load(self.files), 0, 1)]
        if "later" in self.row:
            changed = {**self.files, "card.yaml": self.card(self.row["later"]["prices"])}
            applied.append(Applied(load(changed), instant(self.row["later"]["from"]), LATEST))
        return Subscription(
            zone=zone,
            applied=tuple(applied),
            assignments=read_assignments(customer.get("plans", [{"plan": "paid"}]), zone),
            known_at=LATEST,
            customer=CUSTOMER,
            addons=read_addon_assignments(customer.get("addons", []), zone),
        )

    def laid_out(self) -> tuple[Period, tuple[Segment, ...]]:
        """Return the period and its segments."""
        held = self.subscription()
        within = held.named(self.row.get("period", "2026-11"))
        return within, held.segments(within)

    def calls(self, within: Period) -> list[Call]:
        """Return the calls of the period, a second apart where the row does not say when."""
        listed = [self._call(number, entry, within) for number, entry in enumerate(self.row["usage"])]
        return [call for call in listed if call.at_ns in within]

    def _call(self, number: int, entry: Mapping[str, str], within: Period) -> Call:
        facts = {key: value for key, value in entry.items() if key in NOT_METERS or key.startswith("tags.")}
        meters = {key: exact(value) for key, value in entry.items() if key not in USAGE_KEYS and key not in facts}
        request = {"request": Decimal(1)} if "model" in entry else {}
        costs = self.row.get("provider_cost")
        return Call(
            key=f"{number:04}",
            at_ns=instant(entry["at"]) if "at" in entry else within.end_ns - (1000 - number) * 10**9,
            quantities=request | meters,
            model=entry.get("model"),
            provider=entry.get("provider"),
            facts=facts,
            times=int(exact(entry.get("times", "1"))),
            unit_costs=None if costs is None else {meter: exact(cost) for meter, cost in costs.items()},
        )

    def rated(self, first: int | None = None) -> RatedPeriod:
        """Return the bill, or what it was after the first so many entries of usage."""
        within, segments = self.laid_out()
        return bill_of(within, segments, self.calls(within)[:first])

    def charges(self) -> list[Decimal | None]:
        """Return what each call is charged."""
        within, segments = self.laid_out()
        return [charged.amount for charged in Seen(segments).charges(self.calls(within))]

    def cost(self) -> Decimal:
        """Return what the provider charges for all calls, whatever the plan decides on them."""
        provider = replace(self, row={"prices": self.row["costs"]})
        within, segments = provider.laid_out()
        calls = [replace(call, facts={}) for call in self.calls(within)]
        (total,) = bill_of(within, segments, calls).exact_totals
        return total.amount


def bill_of(within: Period, segments: tuple[Segment, ...], calls: list[Call]) -> RatedPeriod:
    """Rate calls as groups and samples."""
    seen = Seen(segments)
    samples = [sample for call in calls for sample in seen.samples(call)]
    return rate(within, segments, [seen.group(call) for call in calls], samples, owner=CUSTOMER)


def chapters() -> Iterator[tuple[str, str, list[Golden]]]:
    """Yield title, introduction and bills of each chapter, in order."""
    for path in sorted(FOLDER.glob("*.yaml")):
        chapter = yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506 -- reads text only
        yield chapter["chapter"], chapter["intro"], [Golden(chapter["chapter"], row) for row in chapter["bills"]]


def all_bills() -> list[Golden]:
    """Return the bills of all chapters."""
    return [bill for _, _, bills in chapters() for bill in bills]


def exact(text: str) -> Decimal:
    """Return a number as it is written, with underscores between thousands."""
    return Decimal(text.replace("_", ""))


def instant(text: str) -> int:
    """Return the nanoseconds of a day or a timestamp; a day begins at midnight UTC."""
    at = datetime.fromisoformat(text)
    return to_ns(at if at.tzinfo else at.replace(tzinfo=UTC))
