"""Every way to call a provider with its real SDK leaves the records of the table, equal to the provider's own bill."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from comparison.case import Case
from comparison.cases import all_cases
from comparison.check import faults
from conformance.provider import Provider
from conformance.receiver import Receiver
from conformance.spans import Received, attributes

import tollspan
from tollspan import semconv

STACK = "here"
CASES = all_cases()
Records = Callable[[Case], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(thinking_s=0.0) as running:
        yield running


@pytest.fixture(scope="module")
def records(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    spool: Path = tmp_path_factory.mktemp("spool")
    with Receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOLLSPAN_SPOOL_DIR", str(spool))
        patch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
        tollspan.install(endpoint=f"{receiver.url}/{STACK}", include_usage_hosts=())

        def run(case: Case) -> list[dict[str, Any]]:
            try:
                made = case.call(f"{provider.url}/{STACK}/{case.slug}/{case.traits}")
                if inspect.iscoroutine(made):
                    asyncio.run(made)
            finally:
                assert tollspan.flush(5)
                received = receiver.spans.pop(STACK, [])
            return in_order(received)

        yield run
        tollspan.uninstall(0.2)


def in_order(received: list[Received]) -> list[dict[str, Any]]:
    return sorted((attributes(one.span) for one in received), key=lambda record: record[semconv.SEQ])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_records_are_the_bill(case: Case, records: Records, provider: Provider) -> None:
    found = records(case)
    assert faults(case, found, [one for one in provider.attempts if one.case == case.slug]) == []
