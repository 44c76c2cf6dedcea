"""A span version that holds, as a row of the table ``spans``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tollspan_rater.domain.call import Extracted
from tollspan_rater.pipeline.judge import Verdict
from tollspan_rater.pipeline.reading import LATE_NS, Reading
from tollspan_rater.store.legs import trace_key
from tollspan_rater.store.lookup import link_key

LinkOf = Callable[[Extracted], str | None]


def span_row(
    reading: Reading, extracted: Extracted, verdict: Verdict, link_of: LinkOf, evidence: str
) -> tuple[Any, ...]:
    """Return the row; ``evidence`` is what the store keeps of it."""
    link = link_of(extracted)
    return (
        reading.tenant, trace_key(extracted.trace_id), None if link is None else link_key(reading.tenant, link),
        extracted.trace_id, extracted.span_id, extracted.parent_id, reading.position, reading.ordinal,
        extracted.start_ns, extracted.end_ns, verdict.fate.value, verdict.reason, extracted.role.value,
        extracted.final, reading.received_ns - extracted.end_ns > LATE_NS, reading.digest, reading.sender,
        extracted.process_id, extracted.seq, evidence, reading.at_position,
    )  # fmt: skip
