"""Conditions on spans: a place to look at, a test, the values that pass; and the small interpreter of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from tollspan_rater.domain.span import CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER, AttributeValue, Span
from tollspan_rater.extract.numbers import text
from tollspan_rater.pricing.pattern import matches

Place = Literal["name", "scope", "kind", "service", "span", "resource"]
Test = Literal["like", "is", "present", "absent", "above", "at_least", "below", "at_most"]
Holds = Callable[[Span], bool]

KINDS: Final[Mapping[int, str]] = {
    INTERNAL: "internal",
    SERVER: "server",
    CLIENT: "client",
    PRODUCER: "producer",
    CONSUMER: "consumer",
}
SERVICE: Final = "service.name"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a span at a place: one of its values passes the test against one of ``values``.

    ``key`` names the attribute at the places ``span`` and ``resource``. Text is compared as it is written, numbers
    and truth values as the text they are (``200``, ``true``); ``like`` takes ``*`` and ``?``. Comparisons read
    numbers, also those that were sent as text. Of a list one member must pass.
    """

    where: Place
    key: str
    test: Test
    values: tuple[str, ...] = ()

    @property
    def needs(self) -> str | None:
        """The attribute of the span without which the condition cannot hold."""
        return self.key if self.where == "span" and self.test != "absent" else None

    @property
    def reads(self) -> str | None:
        """The attribute of the span or its resource that it looks at."""
        return SERVICE if self.where == "service" else self.key or None


def is_wild(pattern: str) -> bool:
    """Tell whether a text means others than itself as a pattern."""
    return "*" in pattern or "?" in pattern


def holds(condition: Condition) -> Holds:
    """Return the function that tells of a span whether a condition holds; made once, asked of every span."""
    place, key = _PLACES[condition.where], condition.key
    if condition.test in {"present", "absent"}:
        wanted = condition.test == "present"
        return lambda span: (place(span, key) is not None) is wanted
    passes = _passes(condition)

    def of_values(span: Span) -> bool:
        value = place(span, key)
        return any(map(passes, value)) if isinstance(value, list) else passes(value)

    return of_values


def _passes(condition: Condition) -> Callable[[AttributeValue], bool]:
    """Return the test of one value; None passes none."""
    if condition.test in _COMPARED:
        compared = _COMPARED[condition.test]
        bounds = [Decimal(value) for value in condition.values]
        return lambda value: (number := _number(value)) is not None and any(compared(number, one) for one in bounds)
    exact = frozenset(condition.values)
    if condition.test == "is" or not any(map(is_wild, exact)):
        return lambda value: value in exact if type(value) is str else text(value) in exact
    patterns = condition.values
    return lambda value: value is not None and any(matches(pattern, text(value)) for pattern in patterns)


_PLACES: Final[Mapping[Place, Callable[[Span, str], AttributeValue]]] = {
    "name": lambda span, _: span.name,
    "scope": lambda span, _: span.scope,
    "kind": lambda span, _: KINDS.get(span.kind),
    "service": lambda span, _: span.resource.get(SERVICE),
    "span": lambda span, key: span.attributes.get(key),
    "resource": lambda span, key: span.resource.get(key),
}
_COMPARED: Final[Mapping[Test, Callable[[Decimal, Decimal], bool]]] = {
    "above": lambda number, bound: number > bound,
    "at_least": lambda number, bound: number >= bound,
    "below": lambda number, bound: number < bound,
    "at_most": lambda number, bound: number <= bound,
}


def _number(value: AttributeValue) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
