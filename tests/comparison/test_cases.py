"""Every way to call a provider with its real SDK leaves the records of the table, equal to the provider's own bill.

And the rater, reading them, shows each call that the provider charges once, with the bill's figures.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from comparison.case import Case
from comparison.cases import all_cases
from comparison.check import faults
from conformance.bill import Attempt, Seen
from conformance.compare import Verdict, compare
from conformance.provider import Provider
from conformance.receiver import Receiver
from conformance.recording import Recorded
from conformance.replay import calls_of
from conformance.spans import Received, attributes, stripped

import tollspan
from tollspan import semconv
from tollspan_rater.domain.call import Call

STACK = "here"
CASES = all_cases()
Run = Callable[[Case], list[Received]]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(thinking_s=0.0) as running:
        yield running


@pytest.fixture(scope="module")
def run(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    spool: Path = tmp_path_factory.mktemp("spool")
    with Receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOLLSPAN_SPOOL_DIR", str(spool))
        patch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
        tollspan.install(endpoint=f"{receiver.url}/{STACK}", include_usage_hosts=())

        def run(case: Case) -> list[Received]:
            try:
                made = case.call(f"{provider.url}/{STACK}/{case.slug}/{case.traits}")
                if inspect.iscoroutine(made):
                    asyncio.run(made)
            finally:
                assert tollspan.flush(5)
                received = receiver.spans.pop(STACK, [])
            return received

        yield run
        tollspan.uninstall(0.2)


def in_order(received: list[Received]) -> list[dict[str, Any]]:
    return sorted((attributes(one.span) for one in received), key=lambda record: record[semconv.SEQ])


@pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")  # OpenAI's SDK does not
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_records_are_the_bill(case: Case, run: Run, provider: Provider) -> None:
    received = run(case)
    attempts = tuple(one for one in provider.attempts if one.case == case.slug)
    assert faults(case, in_order(received), attempts) == []
    calls = calls_of(Recorded(STACK, "", case.slug, attempts, frozenset(), (0, 0), stripped(received)))
    compared = compare(attempts, [Seen.of_call(call) for call in calls], lambda _wanted: case.states_all)
    assert compared.verdict in ({Verdict.EXACT} if case.states_all else {Verdict.EXACT, Verdict.MARKED})
    if case.states_all:
        assert units_of(calls, billed := units_billed(attempts)) == billed


def units_billed(attempts: tuple[Attempt, ...]) -> Counter[str]:
    return sum((Counter(one.units) for one in attempts if one.charged), Counter())


def units_of(calls: list[Call], names: Iterable[str]) -> dict[str, Any]:
    """What is no total, by the rater's names: audio, images, searches, pages, as far as the bill has it."""
    usages = [call.usage for call in calls]
    return {name: sum(one.units.get(name) or getattr(one, name, None) or 0 for one in usages) for name in names}
