"""What hangs together: spans of one tenant that share a trace or a response id, with the calls booked for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.correction import Correction
from tollspan_rater.extract.span_index import SpanIndex
from tollspan_rater.pipeline.bookings import Bookings
from tollspan_rater.pipeline.judge import Key, Version
from tollspan_rater.pipeline.reading import Reading

Trace = tuple[str, str]  # tenant, trace id


@dataclass(slots=True)
class Component:
    """Connected spans: what is known of them, and the readings and corrections that came.

    ``links`` are the link keys of every version that any of the spans ever had. ``booked`` is what counts,
    ``uncorrected`` what the spans alone say of calls that are corrected; ``corrections`` by correction and call.
    """

    index: SpanIndex = field(default_factory=SpanIndex)
    versions: dict[Key, Version] = field(default_factory=dict)
    traces: set[Trace] = field(default_factory=set)
    links: set[int] = field(default_factory=set)
    booked: Bookings = field(default_factory=Bookings)
    uncorrected: Bookings = field(default_factory=Bookings)
    corrections: dict[tuple[str, str, str], Correction] = field(default_factory=dict)
    arrivals: list[Reading] = field(default_factory=list)
    newly_corrected: list[Correction] = field(default_factory=list)

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
        self.booked.absorb(other.booked)
        self.uncorrected.absorb(other.uncorrected)
        self.corrections |= other.corrections
        self.arrivals += other.arrivals
        self.newly_corrected += other.newly_corrected

    def tie(self, trace: Trace, link: int | None) -> None:
        """Note a trace that is part of it, and the key of a response id that ties others to it."""
        self.traces.add(trace)
        if link is not None:
            self.links.add(link)

    def know(self, span: Extracted, version: Version) -> None:
        """Take in a span that is stored."""
        self.index.add(span)
        self.versions[span.key] = version

    def correct(self, correction: Correction) -> bool:
        """Take in a correction; False when it is known already, and nothing changes."""
        return self.corrections.setdefault(correction.key, correction) is correction

    def came_at(self, tenant: str, member: str) -> int:
        """Return the journal position at which a span came."""
        trace_id, _, span_id = member.partition(":")
        return self.versions[tenant, trace_id, span_id].position

    def settled(self) -> None:
        """Forget what came: it is booked."""
        self.arrivals, self.newly_corrected = [], []
