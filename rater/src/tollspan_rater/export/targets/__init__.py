"""The places that usage and amounts are handed over to, by the name that the configuration uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast

from tollspan_rater.errors import NotFoundError
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Target

TARGETS: Final[Mapping[str, str]] = {
    "flexprice": "flexprice:target",
    "lago-events": "lago_events:target",
    "lago-invoices": "lago_invoices:target",
    "lago-rated-events": "lago_rated_events:target",
    "openmeter": "openmeter:target",
    "stripe-invoice-items": "stripe_invoice_items:target",
    "webhook": "webhook:target",
    "webhook-usage": "webhook:usage",
}


def target(name: str, settings: Settings) -> Target:
    """Make the target of a name; the module of its function is loaded only now.

    Raises:
        NotFoundError: no target has the name.
    """
    if name not in TARGETS:
        raise NotFoundError("export target", name, f"Choose one of {', '.join(sorted(TARGETS))}.")
    module, _, function = TARGETS[name].partition(":")
    make = cast("Callable[[Settings], Target]", getattr(import_module(f"{__name__}.{module}"), function))
    return make(settings)
