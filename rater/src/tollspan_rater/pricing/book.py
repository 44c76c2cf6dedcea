"""Price books: all cards and plans of a pricing folder at one version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.addon import Addon, read_addon
from tollspan_rater.pricing.canonical import canonical
from tollspan_rater.pricing.card import RateCard, read_card
from tollspan_rater.pricing.check import check_book
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.document import documents as parsed
from tollspan_rater.pricing.finding import Finding, Findings
from tollspan_rater.pricing.plan import Plan, read_plan
from tollspan_rater.pricing.plan_check import check_plans
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.terms import Terms, read_customer_terms

KINDS: Final[Mapping[str, Callable[[Table, Reading], RateCard | Plan | Addon]]] = {
    "card": read_card,
    "plan": read_plan,
    "addon": read_addon,
}
TERMS: Final = "terms"


@dataclass(frozen=True)
class PriceBook:
    """Cards, plans and add-ons by name, terms by customer in the order of their days.

    Equal content gives the equal ``version``, however the files are written.
    """

    cards: Mapping[str, RateCard]
    plans: Mapping[str, Plan]
    addons: Mapping[str, Addon] = field(default_factory=dict)
    terms: Mapping[str, tuple[Terms, ...]] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = field(default=(), compare=False)

    @cached_property
    def version(self) -> str:
        """Return ``pv_`` and a digest of the content: comments, order of files and notation do not count."""
        beside = {"addons": self.addons, "terms": self.terms}
        content = canonical({"cards": self.cards, "plans": self.plans, **{k: v for k, v in beside.items() if v}})
        return "pv_" + hashlib.sha256(content.encode()).hexdigest()[:16]

    def cards_of(self, of: Plan | Addon) -> tuple[RateCard, ...]:
        """Return the cards of a plan or an add-on in the order in which they are asked."""
        return tuple(self.cards[name] for name in of.cards)


def load(files: Mapping[str, str]) -> PriceBook:
    """Make a price book of ``{file name: text}``.

    Raises:
        PricingError: the first error of :func:`check`; nothing with an error is ever used.
    """
    book, findings = _read(files)
    for finding in findings:
        if finding.severity == "error":
            raise finding.raised()
    return replace(book, warnings=tuple(findings))


def check(files: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return everything that is wrong or surprising in the files, by file and line."""
    return tuple(_read(files)[1])


def _read(files: Mapping[str, str]) -> tuple[PriceBook, Findings]:
    findings = Findings()
    reading = Reading(findings)
    documents = _Documents()
    for path in sorted(files):
        try:
            nodes = parsed(path, files[path])
        except PricingError as error:
            findings.error(path, error.line, error.problem, error.remedy)
            continue
        for node in nodes:
            documents.add(node, reading)
    book = documents.book(reading)
    of_addons = {name for addon in book.addons.values() for name in addon.cards}
    terms = [one for each in book.terms.values() for one in each]
    check_book(book.cards, book.plans, findings, of_addons=of_addons, terms=terms)
    check_plans(book, findings)
    return book, findings


class _Documents:
    """Reads documents by the key that says what they are; terms come last, for they may price any card's meter."""

    def __init__(self) -> None:
        self._named: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self._terms: list[Table] = []

    def add(self, node: Node, reading: Reading) -> None:
        """Read one document; what it is not is noted."""
        table = reading.table(node, "the document")
        if table is None:
            return
        kinds = [kind for kind in (*KINDS, TERMS) if kind in table.entries]
        if len(kinds) != 1:
            remedy = "Begin with `card: NAME`, `plan: NAME`, `addon: NAME` or `terms: CUSTOMER`"
            reading.wrong(table, "this is neither a rate card nor a plan, an add-on or terms", remedy)
        elif kinds == [TERMS]:
            self._terms.append(table)
        else:
            self._keep(kinds[0], KINDS[kinds[0]](table, reading), table, reading)

    def book(self, reading: Reading) -> PriceBook:
        """Return everything that was read."""
        cards = self._named["card"]
        meters = {name: meter for card in cards.values() for name, meter in card.declared.items()}
        read = [read_customer_terms(table, meters, reading) for table in self._terms]
        terms: dict[str, tuple[Terms, ...]] = {}
        for one, table in zip(read, self._terms, strict=True):
            for other in terms.get(one.customer, ()):
                if other.since == one.since:
                    problem = f"there are two terms of {one.customer!r} from the same day; the first is at "
                    reading.wrong(table, f"{problem}{other.path}:{other.line}", "Put them together, or give `from:`")
            terms[one.customer] = (*terms.get(one.customer, ()), one)
        ordered = {name: tuple(sorted(each, key=lambda one: one.since or date.min)) for name, each in terms.items()}
        return PriceBook(cards, self._named["plan"], self._named["addon"], ordered)

    def _keep(self, kind: str, read: RateCard | Plan | Addon, table: Table, reading: Reading) -> None:
        first = self._named[kind].setdefault(read.name, read)
        if first is not read:
            problem = f"there are two {kind}s {read.name!r}; the first is at {first.path}:{first.line}"
            reading.wrong(table, problem, f"Rename one {kind}, or delete it")
