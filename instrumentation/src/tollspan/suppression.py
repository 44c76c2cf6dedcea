"""Context keys by which instrumentations keep each other quiet, and what each means for tollspan.

Metering is billing: what the provider charges for leaves its record, whatever is in force. The keys decide about
what tollspan adds to the application's own telemetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import context

# OpenTelemetry's own, under the name that its API makes up at import and under the plain one of earlier releases.
UNTRACED: Final = (getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", ""), "suppress_instrumentation")
# Set around a call that another instrumentation measures already: OpenLLMetry's, and that of util-genai.
COVERED: Final = ("suppress_language_model_instrumentation", "opentelemetry.genai.client.inference.context")
HTTP: Final = getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", "")


def untraced(here: context.Context | None = None) -> bool:
    """Tell whether the application wants no traces of what happens here, or in a given context."""
    here = context.get_current() if here is None else here
    return bool(here and (here.get(UNTRACED[0]) or here.get(UNTRACED[1])))


def covered() -> bool:
    """Tell whether telemetry of a call made here is unwanted, or is another instrumentation's business."""
    return untraced() or any(context.get_value(key) for key in COVERED)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep every instrumentation from tracing what tollspan sends itself, as exporters do."""
    token = context.attach(_with(UNTRACED))
    try:
        yield
    finally:
        context.detach(token)


def without_http_spans(inside: context.Context | None = None) -> context.Context:
    """Return a context in which OpenTelemetry's instrumentations of HTTP libraries make no span."""
    return _with((HTTP,), inside)


def _with(keys: tuple[str, ...], inside: context.Context | None = None) -> context.Context:
    found = context.get_current() if inside is None else inside
    for key in keys:
        found = context.set_value(key, True, found)  # noqa: FBT003 - the value that the others read
    return found
