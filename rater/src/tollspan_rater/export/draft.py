"""What is to be handed over, in our own words: a line of a statement, or the change of a quantity of usage. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Source = Literal["amount", "usage"]


@dataclass(frozen=True, slots=True)
class Service:
    """The time in which it was used: ``[start_ns, end_ns)``, named ``label`` in ``zone``."""

    label: str
    zone: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing to hand over; exactly once for each ``(component, ordinal)`` of a target.

    Source ``amount``: a line of a closed statement. ``component`` is its line id, ``ordinal`` is 0, for such a line
    never changes; ``amount`` is rounded to the currency's minor unit and net of tax, ``amount_exact`` is not rounded;
    ``kind`` is the line's. An adjustment names in ``corrects`` the line it points back to.

    Source ``usage``: a difference of a quantity of one ``meter`` in one span of time, for one combination of
    ``dimensions``. ``component`` names the three; ``ordinal`` counts the differences that were planned of it, so that
    the sum of all is what is known now. A later one names in ``corrects`` the item before it.

    ``quantity`` and ``amount`` are signed. ``None`` is unknown or without meaning, never zero.

    ``period`` is the label of the period whose statement it stands on, ``period_start_ns`` and ``period_end_ns`` are
    its bounds; ``cutoff`` is the journal position up to which everything was known to it.
    """

    source: Source
    customer: str
    component: str
    ordinal: int
    service: Service
    meter: str
    description: str
    quantity: Decimal | None
    amount: Decimal | None = None
    amount_exact: Decimal | None = None
    currency: str | None = None
    kind: str = "usage"
    unit_price: Decimal | None = None
    plan: str | None = None
    price_version: str | None = None
    corrects: str | None = None
    period: str = ""  # label of the period whose statement or time it belongs to
    dimensions: tuple[tuple[str, str], ...] = field(default=())
    period_start_ns: int | None = None
    period_end_ns: int | None = None
    cutoff: int | None = None


def item_id(tenant: str, target: str, draft: Draft) -> str:
    """Return the id under which a target is told of a draft: the same whenever it is planned.

    35 characters of ``[a-z0-9_]``, which fits every target's limit (the shortest is Chargebee's 36). The parts are
    written as JSON, so that no two sets of parts make one text.
    """
    service = [draft.service.label, draft.service.zone]
    parts = [tenant, target, draft.source, draft.customer, draft.component, *service, draft.ordinal]
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return "li_" + hashlib.sha256(text.encode()).hexdigest()[:32]
