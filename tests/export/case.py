"""The targets under test: each module of tests/export/simulators may have a ``CASES``."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

import httpx

from tests.export import simulators
from tests.export.simulators.simulator import Simulator
from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Mapped, Target
from tollspan_rater.export.targets import target


@dataclass(frozen=True)
class Case:
    """A target, its simulator, and how our customers and meters are called there.

    Customers are ``acme`` and ``beta``; meters are ``input``, ``output`` and, on statements, ``base_fee`` ...
    """

    name: str
    simulator: Callable[[Clock], Simulator]
    customers: Mapping[str, Mapping[str, str]]
    meters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None

    def target(self, transport: httpx.BaseTransport, clock: Clock) -> Target:
        client = httpx.Client(transport=transport, trust_env=False)
        return target(self.name, Settings("test", client, clock, self.url, self.secrets, self.options))

    def mapped(self, draft: Draft) -> Mapped:
        return Mapped(self.customers[draft.customer], self.meters.get(draft.meter, {}))


def cases() -> dict[str, Case]:
    """Return all cases by the name of their target."""
    modules = (import_module(f"{simulators.__name__}.{one.name}") for one in pkgutil.iter_modules(simulators.__path__))
    return {case.name: case for module in modules for case in getattr(module, "CASES", ())}
