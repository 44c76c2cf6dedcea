"""The spans of a set as trees: each span once, who stands above whom, without recursion and safe against cycles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract.evidence import to_evidence

T = TypeVar("T")


def distinct(spans: Iterable[Extracted]) -> list[Extracted]:
    """Return one version of each span key, in canonical order: the final one, among several the least evidence."""
    chosen: dict[tuple[str, str, str], Extracted] = {}
    for span in spans:
        held = chosen.get(span.key)
        if held is None or (held is not span and _order(span) < _order(held)):
            chosen[span.key] = span
    return sorted(chosen.values(), key=lambda span: (span.start_ns, span.end_ns, span.trace_id, span.span_id))


def _order(span: Extracted) -> tuple[bool, str]:
    return (not span.final, to_evidence(span))


class Forest:
    """Spans by index, with the index of each one's parent (-1 for none known)."""

    def __init__(self, spans: Sequence[Extracted]) -> None:
        self.spans = spans
        index = {span.key: at for at, span in enumerate(spans)}
        self.parent = [
            index.get((span.tenant, span.trace_id, span.parent_id), -1) if span.parent_id else -1 for span in spans
        ]
        self._break_cycles()
        self.top_down = self._top_down()

    def inherited(self, of_roots: T, step: Callable[[int, T], T]) -> list[T]:
        """Give each span what ``step`` makes of its parent's value: ``step(span, value of the parent)``."""
        values: list[T] = [of_roots] * len(self.spans)
        for at in self.top_down:
            parent = self.parent[at]
            values[at] = step(at, of_roots if parent < 0 else values[parent])
        return values

    def _break_cycles(self) -> None:
        done = bytearray(len(self.spans))
        for start in range(len(self.spans)):
            path: list[int] = []
            at = start
            while at >= 0 and not done[at]:
                done[at] = 1
                path.append(at)
                at = self.parent[at]
            if at >= 0 and at in set(path):
                self.parent[min(path[path.index(at) :])] = -1

    def _top_down(self) -> list[int]:
        below: list[list[int]] = [[] for _ in self.spans]
        order: list[int] = []
        for at, parent in enumerate(self.parent):
            (order if parent < 0 else below[parent]).append(at)
        for at in order:
            order.extend(below[at])
        return order
