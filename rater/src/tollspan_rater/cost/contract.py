"""What the user pays by contract: negotiated rates, discounts and corrections from YAML.

::

    costs:
      - provider: openai            # a name as in the spans or the catalog; * and ? allowed; default *
        model: gpt-4.1*             # default *
        from: 2026-07-01            # UTC days; `to` is the first day that no longer counts
        to: 2027-01-01
        currency: USD               # default
        tier: batch                 # default: the standard tier; * is any
        source: contract 4711
        rates:
          input: {per_1m: 1.60}
          cache_read: {per_1k: 0.0004}
          tool_call: {per_1: 0.001}
        above: {200000: {input: {per_1m: 3.20}}}   # the whole call, once its input exceeds this
      - provider: anthropic
        discount_percent: 12.5      # off the list price

The first entry that has a meter wins. Numbers are read as decimals, never as floats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

import yaml

from tollspan_rater.cost.names import provider_name, tier_name
from tollspan_rater.cost.rates import ANY_TIER, STANDARD, RateRow
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.meters import TOKEN_METERS
from tollspan_rater.domain.money import EXACT
from tollspan_rater.errors import PricingError

PER: Final[dict[str, int]] = {"per_1": 0, "per_1k": 3, "per_1m": 6}
NUMBER: Final = re.compile(r"^\d+(\.\d+)?$")
CURRENCY: Final = re.compile(r"^[A-Z]{3}$")
METER: Final = re.compile(r"^[a-z][a-z0-9_]*$")
KEYS: Final = frozenset(
    {"provider", "model", "from", "to", "currency", "tier", "source", "rates", "above", "discount_percent"},
)


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage off the list price of some models for some time; ``factor`` is what is still paid."""

    provider: str
    model: str
    factor: Decimal
    source: str
    valid_from: int | None = None
    valid_to: int | None = None

    def names(self, provider: str, model: str) -> bool:
        """Tell whether the discount speaks of this provider and model (lower case)."""
        return fnmatchcase(provider, self.provider) and fnmatchcase(model, self.model)

    def holds(self, at_ns: int) -> bool:
        """Tell whether the discount is given at an instant."""
        return (self.valid_from is None or self.valid_from <= at_ns) and (
            self.valid_to is None or at_ns < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """The user's layer of a price book, in the order of the file."""

    entries: tuple[tuple[RateRow, ...], ...] = ()
    discounts: tuple[Discount, ...] = ()

    def __add__(self, later: Contract) -> Contract:
        """Join two files; where both speak of a meter, the earlier one wins."""
        return Contract(self.entries + later.entries, self.discounts + later.discounts)


def parse_contract(text: str, path: str) -> Contract:
    """Read one YAML file.

    Raises:
        PricingError: with file and line, for anything that is not as the module says.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PricingError(path, line, f"this is no YAML: {error.problem}", "Correct the syntax.") from error
    if root is None:
        return Contract()
    document = _Reader(path)
    items = document.mapping(root, frozenset({"costs"})).get("costs")
    entries, discounts = [], []
    for node in document.sequence(items) if items is not None else ():
        rows, discount = document.entry(node)
        if rows:
            entries.append(rows)
        if discount is not None:
            discounts.append(discount)
    return Contract(tuple(entries), tuple(discounts))


class _Reader:
    """Turns YAML nodes into rows; knows the file's name for its errors."""

    def __init__(self, path: str) -> None:
        self._path = path

    def entry(self, node: yaml.Node) -> tuple[tuple[RateRow, ...], Discount | None]:
        """Read one entry: rates, a discount, or both."""
        fields = self.mapping(node, KEYS)
        line = node.start_mark.line + 1
        source = self._text(fields, "source", f"{self._path}:{line}")
        provider = provider_name(self._text(fields, "provider", "*"))
        model = self._text(fields, "model", "*").lower()
        valid_from, valid_to = self._day(fields.get("from")), self._day(fields.get("to"))
        if valid_from is not None and valid_to is not None and valid_to <= valid_from:
            raise self._error(fields["to"], "`to` is not after `from`", "Give a later day, or leave it out.")
        currency = self._text(fields, "currency", "USD")
        if not CURRENCY.match(currency):
            raise self._error(fields["currency"], f"{currency!r} is no currency", "Write an ISO 4217 code such as USD.")
        tier = tier_name(self._text(fields, "tier", STANDARD))
        rows = tuple(
            RateRow(
                provider=provider,
                model=model,
                meter=meter,
                rate=rate,
                source=source,
                currency=currency,
                valid_from=valid_from,
                valid_to=valid_to,
                tier=tier if meter in TOKEN_METERS else ANY_TIER,
                threshold=threshold,
            )
            for meter, threshold, rate in self._rates(fields)
        )
        discount = None
        if "discount_percent" in fields:
            factor = self._factor(fields["discount_percent"])
            discount = Discount(provider, model, factor, source, valid_from, valid_to)
        if not rows and discount is None:
            raise self._error(node, "the entry has no price", "Give `rates` or `discount_percent`.")
        return rows, discount

    def mapping(self, node: yaml.Node, known: frozenset[str] | None = None) -> dict[str, yaml.Node]:
        """Return a mapping's values by key; a key that is unknown or stands twice is an error."""
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, "a mapping is expected here", "Write `key: value` lines.")
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._scalar(key)
            if known is not None and name not in known:
                raise self._error(key, f"{name!r} is not known here", f"Use one of {', '.join(sorted(known))}.")
            if name in fields:
                raise self._error(key, f"{name!r} stands twice", "Leave one of them out.")
            fields[name] = value
        return fields

    def sequence(self, node: yaml.Node) -> list[yaml.Node]:
        """Return the items of a list."""
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "a list is expected here", "Start each entry with `- `.")
        return list(node.value)

    def _rates(self, fields: dict[str, yaml.Node]) -> Iterator[tuple[str, int, Decimal]]:
        below = self._units(fields["rates"]) if "rates" in fields else {}
        yield from ((meter, 0, rate) for meter, rate in below.items())
        for start, node in self.mapping(fields["above"]).items() if "above" in fields else ():
            if not start.isdecimal() or int(start) == 0:
                raise self._error(node, f"{start!r} is no number of tokens", "Write a whole number such as 200000.")
            for meter, rate in self._units(node).items():
                if meter not in below:
                    raise self._error(node, f"{meter} has no rate below {start}", "Add it under `rates`.")
                yield meter, int(start), rate

    def _units(self, node: yaml.Node) -> dict[str, Decimal]:
        units: dict[str, Decimal] = {}
        for meter, price in self.mapping(node).items():
            if not METER.match(meter):
                raise self._error(price, f"{meter!r} is no meter", "Use small letters, digits and underscores.")
            stated = self.mapping(price, frozenset(PER))
            if len(stated) != 1:
                raise self._error(price, f"{meter} needs one price", "Write for example {per_1m: 2.50}.")
            ((per, amount),) = stated.items()
            units[meter] = self._number(amount).scaleb(-PER[per], EXACT)
        return units

    def _factor(self, node: yaml.Node) -> Decimal:
        percent = self._number(node)
        if percent > 100:  # noqa: PLR2004 - of a hundred
            raise self._error(node, f"{percent} % off leaves less than nothing", "Give 0 to 100.")
        return EXACT.divide(EXACT.subtract(Decimal(100), percent), Decimal(100))

    def _number(self, node: yaml.Node) -> Decimal:
        text = self._scalar(node)
        if not NUMBER.match(text):
            raise self._error(node, f"{text!r} is no price", "Write a plain decimal such as 0.25, without a sign.")
        return Decimal(text)

    def _day(self, node: yaml.Node | None) -> int | None:
        if node is None:
            return None
        text = self._scalar(node)
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise self._error(node, f"{text!r} is no day", "Write it as 2026-07-01.") from error
        return to_ns(datetime(day.year, day.month, day.day, tzinfo=UTC))

    def _text(self, fields: dict[str, yaml.Node], key: str, default: str) -> str:
        return self._scalar(fields[key]) if key in fields else default

    def _scalar(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "a single value is expected here", "Write one word, number or day.")
        return str(node.value)

    def _error(self, node: yaml.Node, problem: str, remedy: str) -> PricingError:
        return PricingError(self._path, node.start_mark.line + 1, problem, remedy)
