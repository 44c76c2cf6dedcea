"""What a target is made from: where it is, what opens it, and how to reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from tollspan_rater.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one export, as its target gets it.

    ``name`` is the export's in tollspan.yaml. ``url`` is another address than the vendor's own. ``secrets`` are
    what opens the target, by name (``key``, ``webhook`` ...); they are never shown. ``options`` are the target's own.
    """

    name: str
    client: httpx.Client
    clock: Clock
    url: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
