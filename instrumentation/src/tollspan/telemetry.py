"""What tollspan adds to the application's own telemetry; nothing of it unless asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tollspan import observers

EVERY_SPAN: Final = "all"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What is asked for: attribution on LLM spans of others or on all spans, tokens on the active span, metrics."""

    stamp_spans: bool | Literal["all"] = False
    copy_to_span: bool = False
    metrics: bool = False


def put_in(wanted: Telemetry) -> None:
    """Begin to add what is wanted; what is not is not even imported."""
    if wanted.stamp_spans:
        from tollspan import processor  # noqa: PLC0415 - only who wants it pays for it

        processor.put_in(every_span=wanted.stamp_spans == EVERY_SPAN)
    if wanted.copy_to_span:
        from tollspan import app_span  # noqa: PLC0415 - as above

        _observe(app_span.observe)
    if wanted.metrics:
        from tollspan.metrics import Metrics  # noqa: PLC0415 - as above

        _observe(Metrics().observe)


def take_out() -> None:
    """Add nothing any more."""
    from tollspan import processor  # noqa: PLC0415 - as above

    processor.take_out()
    while _added:
        observers.remove(_added.pop())


_added: list[observers.Observer] = []


def _observe(observer: observers.Observer) -> None:
    _added.append(observer)
    observers.add(observer)
