"""One run: environments, cases, spans, and the comparison of each case with the provider's bill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance import child
from conformance.attribute_sums import numbers, sums
from conformance.bill import Attempt, Seen
from conformance.compare import Comparison, compare
from conformance.environment import InstallError, prepare
from conformance.provider import Provider
from conformance.rater import Rater, serving
from conformance.receiver import Receiver
from conformance.spans import Received, by_case, leaks
from conformance.stack import Stack
from conformance.sum_search import findable_by_repeating


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: what was billed, what the attributes add up to, what tollspan shows, and the verdict."""

    stack: str
    case: str
    said: str
    attempts: tuple[Attempt, ...]
    spans: tuple[Received, ...]
    calls: tuple[Seen, ...]
    attribute_sums: tuple[int, int]
    comparison: Comparison

    @property
    def charged(self) -> list[Attempt]:
        """The attempts that the provider charges for."""
        return [attempt for attempt in self.attempts if attempt.charged]

    @property
    def attributes_right(self) -> bool:
        """Whether adding up attributes gives the provider's input and output."""
        bill = sum(one.input for one in self.charged), sum(one.output for one in self.charged)
        return self.attribute_sums == bill


@dataclass(slots=True)
class StackResult:
    """One stack: its version, its cases, or why there are none (or no more of them).

    ``leaks`` are attributes with texts of prompts or answers that the rater's rule for content does not know.
    """

    stack: Stack
    version: str = ""
    failure: str = ""
    leaks: set[str] = field(default_factory=set)
    cases: list[CaseResult] = field(default_factory=list)


def run(stacks: Sequence[Stack], folder: Path, only: str, on_step: Callable[[str, str], None]) -> list[StackResult]:
    """Run stacks one after the other; ``on_step`` hears of the stack and what it is doing."""
    results = []
    with serving(folder / "data") as rater, Provider() as provider, Receiver(rater.otlp_url) as receiver:
        for stack in stacks:
            result = StackResult(stack)
            results.append(result)
            on_step(stack.name, "installing")
            try:
                environment = prepare(stack)
            except InstallError as error:
                result.failure = f"does not install: {error}"
                continue
            result.version = environment.versions.get(stack.maker, "")
            ran = child.run(
                stack,
                environment,
                provider=provider.url,
                otlp=receiver.url,
                only=only,
                on_case=lambda case, name=stack.name: on_step(name, case),  # type: ignore[misc]
            )
            result.failure = ran.failure
            on_step(stack.name, "comparing")
            result.leaks = leaks(receiver.spans[stack.name])
            result.cases = list(_compared(stack.name, ran, provider, receiver, rater))
        if receiver.refused:
            raise RuntimeError(f"the rater refused spans: {receiver.refused[:3]}")
    return results


def _compared(stack: str, ran: child.Ran, provider: Provider, receiver: Receiver, rater: Rater) -> Sequence[CaseResult]:
    spans = by_case(receiver.spans[stack])
    case_of = {one.trace_id: case for case, received in spans.items() for one in received}
    calls: dict[str, list[Seen]] = defaultdict(list)
    for row in rater.calls(receiver.passed_on):
        cases = [case_of[trace] for trace in row["trace_ids"] if trace in case_of]
        if cases:
            calls[cases[0]].append(Seen.of_row(row))
    results = []
    for case, said in ran.cases.items():
        attempts = tuple(one for one in provider.attempts if (one.stack, one.case) == (stack, case))
        received = spans.get(case, [])
        there = numbers(received)
        compared = compare(attempts, calls[case], lambda wanted, there=there: findable_by_repeating(wanted, there))  # type: ignore[misc]
        results.append(
            CaseResult(
                stack, case, said, attempts, tuple(received), tuple(calls[case]), sums(received), compared
            )
        )  # fmt: skip
    return results
