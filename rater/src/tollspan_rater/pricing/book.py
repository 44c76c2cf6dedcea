"""Price books: all cards and plans of a pricing folder at one version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.canonical import canonical
from tollspan_rater.pricing.card import RateCard, read_card
from tollspan_rater.pricing.check import check_book
from tollspan_rater.pricing.document import Node, Table, documents
from tollspan_rater.pricing.finding import Finding, Findings
from tollspan_rater.pricing.plan import Plan, read_plan
from tollspan_rater.pricing.reading import Reading


@dataclass(frozen=True)
class PriceBook:
    """Cards and plans by name. Equal content gives the equal ``version``, however the files are written."""

    cards: Mapping[str, RateCard]
    plans: Mapping[str, Plan]
    warnings: tuple[Finding, ...] = field(default=(), compare=False)

    @cached_property
    def version(self) -> str:
        """Return ``pv_`` and a digest of the content: comments, order of files and notation do not count."""
        content = canonical({"cards": self.cards, "plans": self.plans})
        return "pv_" + hashlib.sha256(content.encode()).hexdigest()[:16]

    def cards_of(self, plan: Plan) -> tuple[RateCard, ...]:
        """Return a plan's cards in the order in which they are asked."""
        return tuple(self.cards[name] for name in plan.cards)


def load(files: Mapping[str, str]) -> PriceBook:
    """Make a price book of ``{file name: text}``.

    Raises:
        PricingError: the first error of :func:`check`; nothing with an error is ever used.
    """
    book, findings = _read(files)
    for finding in findings:
        if finding.severity == "error":
            raise finding.raised()
    return PriceBook(book.cards, book.plans, tuple(findings))


def check(files: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return everything that is wrong or surprising in the files, by file and line."""
    return tuple(_read(files)[1])


def _read(files: Mapping[str, str]) -> tuple[PriceBook, Findings]:
    findings = Findings()
    reading = Reading(findings)
    cards: dict[str, RateCard] = {}
    plans: dict[str, Plan] = {}
    for path in sorted(files):
        try:
            nodes = documents(path, files[path])
        except PricingError as error:
            findings.error(path, error.line, error.problem, error.remedy)
            continue
        for node in nodes:
            _read_document(node, cards, plans, reading)
    check_book(cards, plans, findings)
    return PriceBook(cards, plans), findings


def _read_document(node: Node, cards: dict[str, RateCard], plans: dict[str, Plan], reading: Reading) -> None:
    table = reading.table(node, "the document")
    if table is None:
        return
    if ("card" in table.entries) == ("plan" in table.entries):
        reading.wrong(table, "this is neither a rate card nor a plan", "Begin with `card: NAME` or `plan: NAME`")
    elif "card" in table.entries:
        card = read_card(table, reading)
        _refuse_twice(table, "card", card.name, cards.get(card.name), reading)
        cards.setdefault(card.name, card)
    else:
        plan = read_plan(table, reading)
        _refuse_twice(table, "plan", plan.name, plans.get(plan.name), reading)
        plans.setdefault(plan.name, plan)


def _refuse_twice(table: Table, what: str, name: str, first: RateCard | Plan | None, reading: Reading) -> None:
    if first is not None:
        problem = f"there are two {what}s {name!r}; the first is at {first.path}:{first.line}"
        reading.wrong(table, problem, f"Rename one {what}, or delete it")
