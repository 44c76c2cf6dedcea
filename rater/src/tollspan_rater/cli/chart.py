"""A simulation as bars: what the panels show, and the panels as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from tollspan_rater.domain.money import Money
from tollspan_rater.query.answer import Answer, Cell

Tone = Literal["revenue", "cost", "margin", "more", "less"]
MOST_CUSTOMERS: Final = 12  # bars of a panel; the table has everyone
_WIDTH: Final = 40  # characters of the longest bar
_MEASURES: Final[tuple[Tone, ...]] = ("revenue", "cost", "margin")

Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, the exact amount that it stands for, and what kind of amount that is."""

    label: str
    amount: Decimal
    currency: str
    tone: Tone

    @property
    def figure(self) -> str:
        """The amount as people read it."""
        return f"{Money(self.amount, self.currency).rounded().amount:,f}"


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that share a scale."""

    title: str
    bars: tuple[Bar, ...]

    @property
    def most(self) -> Decimal:
        """The largest amount of the panel, without its sign."""
        return max((abs(bar.amount) for bar in self.bars), default=Decimal(0))

    def length(self, bar: Bar, full: int) -> int:
        """Return how long a bar is when the longest has ``full`` units; what is not nothing has at least one."""
        if not bar.amount:
            return 0
        return max(1, int(abs(bar.amount) * full // self.most))


def panels(answer: Answer) -> list[Panel]:
    """Return a panel of totals for each currency, and for each other scenario one of who pays more or less."""
    totals = [row for row in answer.rows if row["part"] == "scenario"]
    customers = [row for row in answer.rows if row["part"] == "customer"]
    found = []
    for currency in dict.fromkeys(str(row["currency"]) for row in totals):
        mine = [row for row in totals if row["currency"] == currency]
        found.append(Panel(f"Revenue, cost and margin in {currency}", tuple(_totals(mine))))
        first, *others = [str(row["scenario"]) for row in mine]
        for scenario in others:
            moved = [row for row in customers if (row["scenario"], row["currency"]) == (scenario, currency)]
            bars = _moves(moved, currency)
            if bars:
                title = f"{scenario}: who pays more, who less than {first}, in {currency}"
                found.append(Panel(title, tuple(bars)))
    return found


def text_lines(answer: Answer) -> Iterator[str]:
    """Yield the panels as lines for a terminal; amounts below nothing are drawn light."""
    for panel in panels(answer):
        yield ""
        yield panel.title
        wide = max(len(bar.label) for bar in panel.bars)
        for bar in panel.bars:
            drawn = ("\N{LIGHT SHADE}" if bar.amount < 0 else "\N{FULL BLOCK}") * panel.length(bar, _WIDTH)
            yield f"  {bar.label:<{wide}}  {drawn} {bar.figure}"


def _totals(rows: Sequence[Row]) -> Iterator[Bar]:
    for row in rows:
        for measure in _MEASURES:
            amount = row[measure]
            if isinstance(amount, Decimal):
                yield Bar(f"{row['scenario']}: {measure}", amount, str(row["currency"]), measure)


def _moves(rows: Sequence[Row], currency: str) -> list[Bar]:
    """Return the customers whose bills move most, from the one who pays most more to the one who pays most less."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        moved = row["difference"]
        if isinstance(moved, Decimal) and moved:
            name = str(row["customer"])
            sums[name] = sums.get(name, Decimal(0)) + moved
    largest = sorted(sums, key=lambda name: (-abs(sums[name]), name))[:MOST_CUSTOMERS]
    ordered = sorted(largest, key=lambda name: (-sums[name], name))
    return [Bar(name, sums[name], currency, "more" if sums[name] > 0 else "less") for name in ordered]
