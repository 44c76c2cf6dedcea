"""Large components, kept from one step to the next, so that a trace that grows is not read again from its start."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from tollspan_rater.pipeline.component import Component, Trace

LARGE: Final = 256  # spans; a smaller component is sooner read than kept
KEPT_SPANS: Final = 50_000  # in all components together, about 3 KiB each


class Memory:
    """Components as the store holds them, the most recently touched ones.

    What is kept is valid only if the step that touched it last was committed: between ``begin`` and ``commit`` it
    is ahead of the store, and whoever begins again without a commit finds nothing.
    """

    def __init__(self, kept_spans: int = KEPT_SPANS) -> None:
        self._kept_spans = kept_spans
        self._components: list[Component] = []
        self._open = False

    def begin(self) -> None:
        """Start a step."""
        if self._open:
            self.forget()
        self._open = True

    def commit(self) -> None:
        """Say that everything that the step changed is in the store."""
        self._open = False

    def forget(self) -> None:
        """Drop everything: the store is another one, or behind."""
        self._components.clear()
        self._open = False

    def touched(self, traces: Collection[Trace], links: Collection[int]) -> list[Component]:
        """Return the components that have any of some traces or response ids."""
        return [one for one in self._components if not (one.traces.isdisjoint(traces) and one.links.isdisjoint(links))]

    def keep(self, components: Iterable[Component]) -> None:
        """Keep the large ones of the components of a step in place of those that they were made of."""
        news = list(components)
        others = [one for one in self._components if not any(_part_of(one, new) for new in news)]
        self._components = others + [one for one in news if len(one) >= LARGE]
        for one in news:
            one.settled()
        kept = 0
        for at, one in reversed(list(enumerate(self._components))):
            kept += len(one)
            if kept > self._kept_spans:
                del self._components[: at + 1]
                break


def _part_of(one: Component, other: Component) -> bool:
    return one is other or next(iter(one.traces)) in other.traces
