"""What became of every piece that was acknowledged: exactly one fate each."""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """The fate of a piece; ``docs/concepts/fates.md`` tells each in a sentence."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # same key, same digest
    CONFLICT = "conflict"  # same key, other digest: the first one counts, both are kept
    SUPERSEDED = "superseded"  # a pending or partial version; the final one counts
    IGNORED = "ignored"  # says nothing about usage or attribution
    QUARANTINED = "quarantined"  # kept aside with its error, can be replayed


class Role(StrEnum):
    """What a span is to metering."""

    CALL = "call"  # one physical provider call as one instrumentation saw it
    EVIDENCE = "evidence"  # raw facts of its parent's call
    AGGREGATE = "aggregate"  # a container that repeats its children's sums
    UNIT = "unit"  # a quantity of a meter that is no LLM call
    CONTEXT = "context"  # carries attribution or ancestry
    NONE = "none"  # nothing to read: its piece is ignored
