"""What hangs together: spans of one tenant that share a trace or a response id, with the calls booked for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract.span_index import SpanIndex
from tollspan_rater.pipeline.judge import Key, Version
from tollspan_rater.pipeline.reading import Reading
from tollspan_rater.store.legs import Booked

Trace = tuple[str, str]  # tenant, trace id


@dataclass(slots=True)
class Component:
    """Connected spans: what is known of them, and the readings that came.

    ``links`` are the link keys of every version that any of the spans ever had; ``booked`` maps the representing
    member of a call to the state of each id that was booked for it.
    """

    index: SpanIndex = field(default_factory=SpanIndex)
    versions: dict[Key, Version] = field(default_factory=dict)
    traces: set[Trace] = field(default_factory=set)
    links: set[int] = field(default_factory=set)
    booked: dict[str, dict[str, Booked]] = field(default_factory=dict)
    arrivals: list[Reading] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many spans there are."""
        return len(self.index.spans)

    def absorb(self, other: Component) -> None:
        """Take in all of another component."""
        for span in other.index.spans.values():
            self.index.add(span)
        self.versions |= other.versions
        self.traces |= other.traces
        self.links |= other.links
        self.booked |= other.booked
        self.arrivals += other.arrivals

    def tie(self, trace: Trace, link: int | None) -> None:
        """Note a trace that is part of it, and the key of a response id that ties others to it."""
        self.traces.add(trace)
        if link is not None:
            self.links.add(link)

    def know(self, span: Extracted, version: Version) -> None:
        """Take in a span that is stored."""
        self.index.add(span)
        self.versions[span.key] = version

    def booked_for(self, members: Iterable[str]) -> dict[str, Booked]:
        """Return call id -> state of all calls that some members represent or have represented."""
        return {call_id: state for member in members for call_id, state in self.booked.get(member, {}).items()}

    def book(self, member: str, call_id: str, state: Booked) -> None:
        """Note the state of a call id."""
        self.booked.setdefault(member, {})[call_id] = state
