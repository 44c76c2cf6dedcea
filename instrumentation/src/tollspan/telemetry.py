"""What tollspan adds to the application's own telemetry: on request, but for a response id on LiteLLM's spans."""

from __future__ import annotations

from typing import Final

from tollspan import litellm_span, observers, processor
from tollspan.settings import Telemetry

EVERY_SPAN: Final = "all"


def put_in(wanted: Telemetry) -> None:
    """Begin to add what is wanted; what is not is not even imported."""
    litellm_span.SEAM.put_in()
    if wanted.stamp_spans:
        processor.put_in(every_span=wanted.stamp_spans == EVERY_SPAN)
    if wanted.copy_to_span:
        from tollspan import app_span  # noqa: PLC0415 - only who wants it pays for it

        _observe(app_span.observe)
    if wanted.metrics:
        from tollspan.metrics import Metrics  # noqa: PLC0415 - as above

        _observe(Metrics().observe)


def take_out() -> None:
    """Add nothing any more."""
    litellm_span.SEAM.take_out()
    processor.take_out()
    while _added:
        observers.remove(_added.pop())


_added: list[observers.Observer] = []


def _observe(observer: observers.Observer) -> None:
    _added.append(observer)
    observers.add(observer)
