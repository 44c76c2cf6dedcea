"""The audit: each equation with both of its sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.web.asking import Asking
from tollspan_rater.web.page import Page
from tollspan_rater.web.table import table

_COLUMNS: Final = ("equation", "left", "right", "difference", "holds", "terms")


def audit(asking: Asking, _given: Mapping[str, str], _clock: Clock) -> Page:
    """Make the page of the audit of the reader's tenant."""
    answer = asking.ask("audit")
    return Page(
        answer.title,
        (table("Equations", answer, _COLUMNS),),
        asking.position,
        asking.zone,
        about="Is anything missing or counted twice? Every equation is computed anew when this page is opened.",
        verdict=answer.ok,
    )
