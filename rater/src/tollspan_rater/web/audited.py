"""The audit: each equation with both of its sides, and the gaps in what senders numbered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.web.address import page
from tollspan_rater.web.asking import Asking
from tollspan_rater.web.page import Choice, Page
from tollspan_rater.web.table import table

_COLUMNS: Final = ("equation", "left", "right", "difference", "holds", "terms")
_OF_SENDERS: Final = ("process_id", "highest_seq", "received", "missing", "gaps")


def audit(asking: Asking, _given: Mapping[str, str], _clock: Clock) -> Page:
    """Make the page of the audit of the reader's tenant: equations, and what senders lost on the way."""
    answer, senders = asking.ask("audit"), asking.ask("audit", senders="true")
    nobody = "No sender numbers its records: what is lost before it reaches us cannot be seen."
    return Page(
        answer.title,
        (table("Equations", answer, _COLUMNS), table("Senders", senders, _OF_SENDERS, empty=nobody)),
        asking.position,
        asking.zone,
        about="Is anything missing or counted twice? Every equation is computed anew when this page is opened.",
        choices=(Choice("as_of", "As it was known at", asking.kept or "", "position or day"),),
        verdict=answer.ok,
        fixed=page("audit", as_of=str(asking.position)),
    )
