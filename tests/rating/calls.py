"""Calls as plain facts, and what rating wants to see of them: groups, samples, one charge after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tollspan_rater.pricing.policy import Policy
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.rating.decision import CallFacts, Decision, decide
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.marginal import ChargedCall, Marginal
from tollspan_rater.rating.quantity import exclusive
from tollspan_rater.rating.sample import Facts, Sample
from tollspan_rater.rating.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Call:
    """One call, or ``times`` equal ones at one instant.

    ``quantities`` are inclusive. ``facts`` are dimensions by name, environment, phase and outcome among them.
    ``unit_costs`` is what the provider charges for one unit of a meter; ``None``: nobody knows.
    """

    key: str
    at_ns: int
    quantities: Mapping[str, Decimal]
    model: str | None = None
    provider: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    unit_costs: Mapping[str, Decimal] | None = None

    def costs(self) -> dict[str, Decimal] | None:
        """Return what the provider charges, by meter, its parts taken out."""
        if self.unit_costs is None:
            return None
        own = exclusive(self.quantities)
        return {meter: own[meter] * price * self.times for meter, price in self.unit_costs.items() if meter in own}


class Seen:
    """How one plan sees calls: in which segment they lie, how they are decided, what must be told apart."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        self.tariff = Tariff(segments)
        self._starts = [segment.start_ns for segment in segments]

    def segment(self, call: Call) -> int:
        """Return the index of the segment in which a call started."""
        return bisect_right(self._starts, call.at_ns) - 1

    def decision(self, call: Call) -> Decision:
        """Return what the plan's policy decides on a call."""
        segment = self.segments[self.segment(call)]
        facts = CallFacts(
            environment=call.facts.get("environment"),
            phase=call.facts.get("phase", segment.phase),
            outcome=call.facts.get("outcome", "complete"),
        )
        return decide(facts, segment.plan.policy if segment.plan else Policy())

    def facts(self, call: Call) -> Facts:
        """Return the values of the dimensions that some price looks at."""
        return tuple((name, call.facts.get(name)) for name in self.tariff.dimensions)

    def group(self, call: Call) -> UsageGroup:
        """Return a call's usage without its samples."""
        summed = {m: q * call.times for m, q in call.quantities.items() if m not in self.tariff.sampled}
        return UsageGroup(
            provider=call.provider,
            model=call.model,
            decision=self.decision(call),
            segment=self.segment(call),
            calls=call.times,
            quantities=summed,
            facts=self.facts(call),
            costs=call.costs() if self.tariff.wants_cost else None,
        )

    def samples(self, call: Call) -> Iterator[Sample]:
        """Yield the single events of a call."""
        for meter in sorted(set(call.quantities) & self.tariff.sampled):
            for number in range(call.times):
                yield Sample(
                    at_ns=call.at_ns,
                    key=f"{call.key}.{number:06}",
                    segment=self.segment(call),
                    provider=call.provider,
                    model=call.model,
                    facts=self.facts(call),
                    decision=self.decision(call),
                    meter=meter,
                    quantity=call.quantities[meter],
                    of=self.of(call, meter),
                )

    def of(self, call: Call, meter: str) -> str | None:
        """Return the value of which a meter counts the different ones."""
        name = self.tariff.of(self.segment(call), meter)
        return None if name is None else call.facts.get(name)

    def charges(self, calls: Sequence[Call]) -> list[ChargedCall]:
        """Charge calls one after the other, in (time, key) order."""
        marginal = Marginal(self.segments)
        return [self._charge(marginal, call) for call in sorted(calls, key=lambda call: (call.at_ns, call.key))]

    def _charge(self, marginal: Marginal, call: Call) -> ChargedCall:
        return marginal.charge(
            call.at_ns,
            call.provider,
            call.model,
            call.quantities,
            self.decision(call),
            facts=self.facts(call),
            costs=call.costs(),
            key=call.key,
            of=self._named(call),
        )

    def _named(self, call: Call) -> dict[str, str | None]:
        return {name: call.facts.get(name) for name in self.tariff.unique_of}
