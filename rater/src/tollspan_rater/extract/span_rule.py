"""Span rules: which spans are units of which meter and how much each counts; which views of calls have no authority.

A rule is data. It looks at the span alone, after its dialect was read, so that what it counts is a function of the
span and of the rules in force at its journal position.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, Literal

from tollspan_rater.domain.call import Counted, Extracted, Rejected, Ruled
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import Span
from tollspan_rater.errors import UnusableValueError
from tollspan_rater.extract.condition import Condition, Holds, holds
from tollspan_rater.extract.numbers import quantity

Form = Literal["beside", "instead", "skip"]
Measure = Literal["one", "attribute", "seconds", "milliseconds"]

VIEWS: Final = frozenset({Role.CALL, Role.EVIDENCE, Role.AGGREGATE})  # what says something about the usage of calls
PLACES_OF: Final[Mapping[str, int]] = {"seconds": 9, "milliseconds": 6}  # decimals of a duration in nanoseconds


@dataclass(frozen=True, slots=True)
class SpanRule:
    """One rule: a span for which all of ``when`` holds counts on ``meter``, or is billed elsewhere.

    ``beside``: the span stays what it is and counts besides; ``instead``: it is that unit and nothing else;
    ``skip``: it does not count on this meter, whatever later rules say. The quantity is 1, an attribute (``key``),
    without which the rule does not fit, or the duration, which both units divide exactly.

    A rule with ``billed_elsewhere`` has no meter: it says where the calls are billed of which the spans are views.
    """

    name: str
    meter: str
    when: tuple[Condition, ...]
    form: Form = "beside"
    measure: Measure = "one"
    key: str = ""
    billed_elsewhere: str = ""

    @property
    def needs(self) -> str | None:
        """An attribute of the span without which the rule cannot fit; the one that holds the quantity before others."""
        return next((key for key in (self.key, *(one.needs for one in self.when)) if key), None)

    @property
    def reads(self) -> frozenset[str]:
        """The attributes of spans and resources that the rule looks at."""
        return frozenset(key for key in (self.key, *(one.reads for one in self.when)) if key)


@dataclass(frozen=True, slots=True)
class SpanRules:
    """All rules in force, in their order, and the attributes that they look at.

    On each meter the first rule that fits a span decides, so that a meter is counted once a span; so does the first
    one by which it is billed elsewhere. Equal rules have the equal ``version``.
    """

    rules: tuple[SpanRule, ...] = ()
    version: str = field(init=False)
    keys: frozenset[str] = field(init=False)
    _ready: tuple[tuple[SpanRule, str | None, tuple[Holds, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        content = json.dumps(self.body(), sort_keys=True, separators=(",", ":"))
        object.__setattr__(self, "version", "mr_" + sha256(content.encode()).hexdigest()[:16])
        object.__setattr__(self, "keys", frozenset(key for rule in self.rules for key in rule.reads))
        ready = tuple((rule, rule.needs, tuple(map(holds, rule.when))) for rule in self.rules)
        object.__setattr__(self, "_ready", ready)

    def __reduce__(self) -> tuple[type[SpanRules], tuple[tuple[SpanRule, ...]]]:
        """Travel to another process as the rules alone."""
        return SpanRules, (self.rules,)

    def fitting(self, span: Span) -> Iterator[SpanRule]:
        """Yield the rules that hold for a span: at most one for each meter, and one by which it is billed elsewhere."""
        decided: set[str] = set()
        attributes = span.attributes
        for rule, needs, conditions in self._ready:
            if (needs is not None and needs not in attributes) or rule.meter in decided:
                continue
            if all(one(span) for one in conditions):
                decided.add(rule.meter)
                if rule.form != "skip":
                    yield rule

    def body(self) -> list[dict[str, Any]]:
        """Return the rules as plain JSON, complete: what a command of the journal carries."""
        return [_body(rule) for rule in self.rules]

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
    A view that is billed elsewhere becomes context; a container of calls stays the units that it counts.
    """
    if isinstance(read, Rejected) or read.unit_meter is not None:
        return read
    fitting = list(rules.fitting(span))
    elsewhere = _elsewhere(fitting, rules) if read.role in VIEWS else ""
    if elsewhere and read.role is not Role.AGGREGATE:
        return replace(read, role=Role.CONTEXT, ruled=Ruled(read.role, (), elsewhere))
    fitting = [rule for rule in fitting if not rule.billed_elsewhere]
    if not fitting and not elsewhere:
        return read
    is_unit = read.role not in VIEWS or bool(elsewhere) or any(rule.form == "instead" for rule in fitting)
    counts: list[Counted] = []
    flags: set[str] = set()
    for rule in fitting:
        try:
            counts.append(Counted(rule.meter, measured(rule, span), f"rule:{rule.name}@{rules.version}"))
        except UnusableValueError as error:
            if is_unit:
                return Rejected(error.reason, f"rule {rule.name}: {error}")
            flags.add(f"bad_quantity:{rule.meter}")
    role = Role.UNIT if is_unit else read.role
    return replace(
        read,
        role=role if counts or not elsewhere else Role.CONTEXT,
        flags=tuple(sorted(flags.union(read.flags))) if flags else read.flags,
        ruled=Ruled(read.role, tuple(sorted(counts, key=lambda one: one.meter)), elsewhere)
        if counts or elsewhere
        else None,
    )


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


def _elsewhere(fitting: Iterable[SpanRule], rules: SpanRules) -> str:
    """Return where a span is billed by the first of some rules that says so, and by which rule."""
    words = (f"{rule.billed_elsewhere} (rule:{rule.name}@{rules.version})" for rule in fitting if rule.billed_elsewhere)
    return next(words, "")


def _body(rule: SpanRule) -> dict[str, Any]:
    """Return a rule as plain JSON; what it does not say is left out, so that rules known before keep their version."""
    body = asdict(rule)
    if not rule.billed_elsewhere:
        del body["billed_elsewhere"]
    return body


def _rule(body: Mapping[str, Any]) -> SpanRule:
    when = tuple(Condition(**{**one, "values": tuple(one["values"])}) for one in body["when"])
    return SpanRule(**{**body, "when": when})
