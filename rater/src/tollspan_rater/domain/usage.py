"""How much one provider call used, and for whom it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal

from tollspan import semconv


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of one call in inclusive normal form; ``None`` is unknown and never means zero.

    ``input`` contains cache reads and writes, tool-use prompts, compactions and every modality; ``cache_write``
    contains its parts by time to live, what is in none of them has an unknown one; ``output`` contains reasoning,
    rejected predictions, compactions and every modality. Text has no count of its own: it is the rest of its whole,
    and where an API states it beside the other modalities it adds nothing that could be priced apart.

    ``units`` holds every other meter by name, only when known: rare parts of the totals (``tool_use``,
    ``cache_write_30m``, ``video_in`` ...), tokens of another model that the call brought in (``advisor_in``), and what
    is no token (``web_search``, ``audio_second``, custom meters). A known part in ``units`` has a known whole.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    audio_in: int | None = None
    image_in: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_out: int | None = None
    units: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """Input plus output; unknown as soon as both are unknown, else what is known."""
        if self.input is None and self.output is None:
            return None
        return (self.input or 0) + (self.output or 0)

    @property
    def measured(self) -> bool:
        """Whether any quantity is known."""
        return self.input is not None or self.output is not None or bool(self.units)


TOKEN_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(Usage) if f.name != "units")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a call was made for: the keys of the wire contract, each ``None`` when nobody said.

    ``tags`` are the bounded free dimensions, sorted by name. ``conflicts`` lists keys for which two
    spans on one level disagreed.
    """

    customer: str | None = None
    user: str | None = None
    organization: str | None = None
    project: str | None = None
    workspace: str | None = None
    feature: str | None = None
    feature_flag: str | None = None
    workflow: str | None = None
    run: str | None = None
    prompt: str | None = None
    prompt_version: str | None = None
    environment: str | None = None
    region: str | None = None
    agent: str | None = None
    request_type: str | None = None
    phase: str | None = None
    subscription: str | None = None
    billable: bool | None = None
    tags: tuple[tuple[str, str], ...] = ()
    conflicts: tuple[str, ...] = ()


ATTRIBUTION_FIELDS: tuple[str, ...] = semconv.ATTRIBUTION_KEYS
