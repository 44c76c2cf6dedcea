"""Span-to-meter rules: which spans are units of which meter, how much each counts, and the small interpreter of both.

A rule is data. It looks at the span alone, after its dialect was read, so that what it counts is a function of the
span and of the rules in force at its journal position.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Final, Literal

from tollspan_rater.domain.call import Counted, Extracted, Rejected, Ruled
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER, AttributeValue, Span
from tollspan_rater.errors import UnusableValueError
from tollspan_rater.extract.numbers import quantity, text
from tollspan_rater.pricing.pattern import matches

Place = Literal["name", "scope", "kind", "service", "span", "resource"]
Test = Literal["like", "is", "present", "absent", "above", "at_least", "below", "at_most"]
Form = Literal["beside", "instead", "skip"]
Measure = Literal["one", "attribute", "seconds", "milliseconds"]

KINDS: Final[Mapping[int, str]] = {
    INTERNAL: "internal",
    SERVER: "server",
    CLIENT: "client",
    PRODUCER: "producer",
    CONSUMER: "consumer",
}
SERVICE: Final = "service.name"
PLACES_OF: Final[Mapping[str, int]] = {"seconds": 9, "milliseconds": 6}  # decimals of a duration in nanoseconds


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


@dataclass(frozen=True, slots=True)
class SpanRule:
    """One rule: a span for which all of ``when`` holds counts on ``meter``.

    ``beside``: the span stays what it is and counts besides; ``instead``: it is that unit and nothing else;
    ``skip``: it does not count on this meter, whatever later rules say. The quantity is 1, an attribute (``key``),
    or the duration, which both units divide exactly.
    """

    name: str
    meter: str
    when: tuple[Condition, ...]
    form: Form = "beside"
    measure: Measure = "one"
    key: str = ""


@dataclass(frozen=True, slots=True)
class SpanRules:
    """All rules in force, in their order, and the attributes that only they read.

    On each meter the first rule that fits a span decides, so that a meter is counted once a span. Equal rules have
    the equal ``version``.
    """

    rules: tuple[SpanRule, ...] = ()
    version: str = field(init=False)
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        content = json.dumps(self.body(), sort_keys=True, separators=(",", ":"))
        object.__setattr__(self, "version", "mr_" + sha256(content.encode()).hexdigest()[:16])
        object.__setattr__(self, "keys", frozenset(key for rule in self.rules for key in _keys(rule)))

    def body(self) -> list[dict[str, Any]]:
        """Return the rules as plain JSON, complete: what a command of the journal carries."""
        return [asdict(rule) for rule in self.rules]

    @staticmethod
    def from_body(body: list[dict[str, Any]]) -> SpanRules:
        """Read rules back, equal to those that were written."""
        return SpanRules(tuple(_rule(one) for one in body))


NO_RULES: Final = SpanRules()
RulesByTenant = Mapping[str, SpanRules]


def ruled(span: Span, read: Extracted | Rejected, rules: SpanRules) -> Extracted | Rejected:
    """Return what was read of a span with what the rules in force count on it.

    A span that says nothing itself becomes the unit. One that states a meter of its own is left alone. A quantity
    that cannot be one makes a span that is nothing else ``Rejected``; beside usage it is flagged and not counted.
    """
    if isinstance(read, Rejected) or read.unit_meter is not None:
        return read
    fitting = list(_fitting(span, rules))
    if not fitting:
        return read
    is_unit = read.role in {Role.NONE, Role.CONTEXT} or any(rule.form == "instead" for rule in fitting)
    counts: list[Counted] = []
    flags: set[str] = set()
    for rule in fitting:
        try:
            counts.append(Counted(rule.meter, measured(rule, span), f"rule:{rule.name}@{rules.version}"))
        except UnusableValueError as error:
            if is_unit:
                return Rejected(error.reason, f"rule {rule.name}: {error}")
            flags.add(f"bad_quantity:{rule.meter}")
    return replace(
        read,
        role=Role.UNIT if is_unit else read.role,
        flags=tuple(sorted(flags.union(read.flags))) if flags else read.flags,
        ruled=Ruled(read.role, tuple(sorted(counts, key=lambda one: one.meter))) if counts else None,
    )


def fits(rule: SpanRule, span: Span) -> bool:
    """Tell whether all conditions of a rule hold; a quantity taken from an attribute needs that attribute."""
    if rule.measure == "attribute" and span.attributes.get(rule.key) is None:
        return False
    return all(_holds(condition, span) for condition in rule.when)


def measured(rule: SpanRule, span: Span) -> Decimal:
    """Return how much of its meter a span is.

    Raises:
        UnusableValueError: ``bad_quantity``, for an attribute that is no quantity or a span that ends before it began.
    """
    if rule.measure == "one":
        return Decimal(1)
    if rule.measure == "attribute":
        return quantity(rule.key, span.attributes[rule.key])
    length = span.end_ns - span.start_ns
    if length < 0:
        raise UnusableValueError(
            "bad_quantity", "duration", f"{length} ns", "a duration: the span ends before it began"
        )
    return Decimal(length).scaleb(-PLACES_OF[rule.measure])


def _fitting(span: Span, rules: SpanRules) -> Iterator[SpanRule]:
    decided: set[str] = set()
    for rule in rules.rules:
        if rule.meter not in decided and fits(rule, span):
            decided.add(rule.meter)
            if rule.form != "skip":
                yield rule


def _holds(condition: Condition, span: Span) -> bool:
    value = _PLACES[condition.where](span, condition.key)
    test = _TESTS[condition.test]
    if condition.test in {"present", "absent"}:
        return test(value, "")
    said = value if isinstance(value, list) else [value]
    return any(test(one, wanted) for one in said if one is not None for wanted in condition.values)


_PLACES: Final[Mapping[Place, Callable[[Span, str], AttributeValue]]] = {
    "name": lambda span, _: span.name,
    "scope": lambda span, _: span.scope,
    "kind": lambda span, _: KINDS.get(span.kind),
    "service": lambda span, _: span.resource.get(SERVICE),
    "span": lambda span, key: span.attributes.get(key),
    "resource": lambda span, key: span.resource.get(key),
}


def _compared(test: Callable[[Decimal, Decimal], bool]) -> Callable[[AttributeValue, str], bool]:
    def compare(value: AttributeValue, wanted: str) -> bool:
        number = _number(value)
        return number is not None and test(number, Decimal(wanted))

    return compare


_TESTS: Final[Mapping[Test, Callable[[AttributeValue, str], bool]]] = {
    "like": lambda value, wanted: matches(wanted, text(value)),
    "is": lambda value, wanted: text(value) == wanted,
    "present": lambda value, _: value is not None,
    "absent": lambda value, _: value is None,
    "above": _compared(lambda number, bound: number > bound),
    "at_least": _compared(lambda number, bound: number >= bound),
    "below": _compared(lambda number, bound: number < bound),
    "at_most": _compared(lambda number, bound: number <= bound),
}


def _number(value: AttributeValue) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _keys(rule: SpanRule) -> Iterator[str]:
    yield from (condition.key for condition in rule.when if condition.key)
    if any(condition.where == "service" for condition in rule.when):
        yield SERVICE
    if rule.key:
        yield rule.key


def _rule(body: Mapping[str, Any]) -> SpanRule:
    when = tuple(Condition(**{**one, "values": tuple(one["values"])}) for one in body["when"])
    return SpanRule(**{**body, "when": when})
