"""The places that usage and amounts are handed over to, by the name that the configuration uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast

from tollspan_rater.errors import NotFoundError
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Target

TARGETS: Final[Mapping[str, str]] = {
    "aws-marketplace": "aws_marketplace:target",
    "azure-marketplace": "azure_marketplace:target",
    "chargebee-usage-events": "chargebee_usage_events:target",
    "chargebee-usages": "chargebee_usages:target",
    "csv": "file_target:csv_file",
    "flexprice": "flexprice:target",
    "focus": "file_target:focus_file",
    "gcp-marketplace": "gcp_marketplace:target",
    "jsonl": "file_target:jsonl_file",
    "kafka": "kafka:target",
    "kafka-usage": "kafka:usage",
    "lago-events": "lago_events:target",
    "lago-invoices": "lago_invoices:target",
    "lago-rated-events": "lago_rated_events:target",
    "metronome-usage": "metronome_usage:target",
    "netsuite-file": "file_target:netsuite_file",
    "netsuite-invoices-file": "file_target:netsuite_invoices_file",
    "openmeter": "openmeter:target",
    "orb-events": "orb_events:target",
    "parquet": "file_target:parquet_file",
    "razorpay-invoices": "razorpay_invoices:target",
    "recurly-usage": "recurly_usage:target",
    "stripe-invoice-items": "stripe_invoice_items:target",
    "stripe-meter-events": "stripe_meter_events:target",
    "stripe-meter-stream": "stripe_meter_stream:target",
    "webhook": "webhook:target",
    "webhook-usage": "webhook:usage",
    "zuora-file": "file_target:zuora_file",
    "zuora-usage": "zuora_usage:target",
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
