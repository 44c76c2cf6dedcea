"""Runs the cases under an instrumentation in an environment of its own, and sorts spans and bill by case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.bill import Attempt
from conformance.environment import Environment, InstallError, prepare
from conformance.provider import Provider
from conformance.receiver import Receiver
from conformance.spans import ROOT_SCOPE, attributes, by_case
from conformance.stack import Stack

from comparison.case import Case
from comparison.instrumentation import NEWEST, Instrumentation
from conformance import child

MOST_S = 1800.0
UNKNOWN = ("has no attribute", "unexpected keyword argument", "does not support the asynchronous context manager")
OnStep = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class CaseRun:
    """One case as it ran: what the call said, the attributes of its spans oldest first, the provider's attempts."""

    case: Case
    said: str
    spans: tuple[Mapping[str, Any], ...]
    attempts: tuple[Attempt, ...]

    @property
    def not_in_this_release(self) -> bool:
        """Whether the SDK did not know the call at all: no request, and a name or an argument that is not there."""
        return not self.attempts and any(word in self.said for word in UNKNOWN) and "'NoneType'" not in self.said


@dataclass(slots=True)
class Run:
    """All cases under one instrumentation: the environment's versions, and why it ended early (or "")."""

    name: str
    versions: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    cases: list[CaseRun] = field(default_factory=list)


def run(
    instrumentation: Instrumentation,
    cases: Sequence[Case],
    on_step: OnStep,
    *,
    name: str = "",
    packages: Sequence[str] = NEWEST,
    only: str = "",
) -> Run:
    """Run the cases; ``name`` names the environment, ``packages`` are the SDKs, ``only`` are slugs joined by commas."""
    found = Run(name or instrumentation.name)
    stack = Stack(f"comparison-{found.name}", (*instrumentation.packages, *packages), "")
    on_step(found.name, "installing")
    try:
        environment = prepare(stack)
    except InstallError as error:
        found.failure = f"does not install: {error}"
        return found
    found.versions = environment.versions
    python = environment.command[0]
    started = replace(environment, command=(python, "-m", "comparison.child", instrumentation.name))
    _run_in(started, stack, {case.slug: case for case in cases}, found, on_step, only)
    return found


def _run_in(
    environment: Environment, stack: Stack, cases: Mapping[str, Case], found: Run, on_step: OnStep, only: str
) -> None:
    with ExitStack() as entered:
        provider, receiver = entered.enter_context(Provider()), entered.enter_context(Receiver())
        ran = child.run(
            stack,
            environment,
            provider=provider.url,
            otlp=receiver.url,
            only=only or ",".join(cases),
            on_case=lambda case: on_step(found.name, case),
            most_s=MOST_S,
        )
        found.failure = ran.failure
        spans = by_case(receiver.spans[stack.name])
        for slug, said in ran.cases.items():
            received = [one for one in spans.get(slug, ()) if one.scope.get("name") != ROOT_SCOPE]
            read = [attributes(one.span) for one in sorted(received, key=lambda one: one.start_ns)]
            attempts = tuple(one for one in provider.attempts if one.case == slug)
            found.cases.append(CaseRun(cases[slug], said, tuple(read), attempts))
