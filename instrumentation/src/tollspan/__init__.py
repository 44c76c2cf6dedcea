"""Meters every LLM call of an application with the customer it was made for.

``install()`` (or ``opentelemetry-instrument``) starts it; ``attribute`` says for whom calls are made, ``inject`` and
``extract`` carry that to where no context reaches;
``record`` counts a unit that is no LLM call, ``record_usage`` tells a call that no patch sees. Nothing here ever raises
into the application.
"""

from tollspan.attribution import attribute, current
from tollspan.carrier import extract, inject
from tollspan.custom_id import attribute_results
from tollspan.processor import AttributionProcessor
from tollspan.runtime import flush, install, record, record_usage, stats, uninstall

__all__ = [
    "AttributionProcessor",
    "attribute",
    "attribute_results",
    "current",
    "extract",
    "flush",
    "inject",
    "install",
    "record",
    "record_usage",
    "stats",
    "uninstall",
]
