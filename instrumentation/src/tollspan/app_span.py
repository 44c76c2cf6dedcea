"""Copies what calls used onto the span that was active when they were made, for people who look at that span.

Under names of tollspan's own: under ``gen_ai.usage.*`` every tool that adds up tokens would count them twice.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import trace

from tollspan import semconv
from tollspan.observers import Told
from tollspan.record import CallRecord
from tollspan.suppression import covered
from tollspan.usage import TokenCounts

MOST_RECORD_IDS = 64


@dataclass(slots=True)
class Copied:
    """What stands on one span: the sums over its calls so far, and their records."""

    counts: Counter[str] = field(default_factory=Counter)
    record_ids: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, record: CallRecord) -> dict[str, Any]:
        """Add a call; return the attributes as they shall be now. What no call has stated is left out."""
        self.counts[semconv.SPAN_CALLS] += 1
        self.counts.update(_stated(record.counts))
        if len(self.record_ids) < MOST_RECORD_IDS:
            self.record_ids.append(record.identity.record_id)
        return {**self.counts, semconv.SPAN_RECORD_IDS: tuple(self.record_ids)}


_copied: WeakKeyDictionary[trace.Span, Copied] = WeakKeyDictionary()
_making = threading.Lock()


def observe() -> Told | None:
    """Return what copies a call onto the span that is active now; ``None`` where none records."""
    span = trace.get_current_span()
    if not span.is_recording() or covered():
        return None

    def told(record: CallRecord) -> None:
        copied = _of(span)
        with copied.lock:
            if span.is_recording():
                span.set_attributes(copied.add(record))

    return told


def _of(span: trace.Span) -> Copied:
    with _making:
        return _copied.setdefault(span, Copied())


def _stated(counts: TokenCounts) -> Mapping[str, int]:
    named = {
        semconv.SPAN_INPUT_TOKENS: counts.input,
        semconv.SPAN_CACHE_READ_TOKENS: counts.cache_read,
        semconv.SPAN_CACHE_WRITE_TOKENS: counts.cache_write,
        semconv.SPAN_OUTPUT_TOKENS: counts.output,
        semconv.SPAN_REASONING_TOKENS: counts.reasoning,
    }
    return {name: count for name, count in named.items() if count is not None}
