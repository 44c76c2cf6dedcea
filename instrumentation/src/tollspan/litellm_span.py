"""Names the provider's response on the spans of LiteLLM's own OpenTelemetry callback.

LiteLLM makes up a response id for most providers and often writes its span into a trace of its own, so that nothing
would tell the rater that this span and the record of the wire below it show one call.

Source: ``litellm.integrations.opentelemetry.OpenTelemetry.set_attributes`` of LiteLLM 1.106 to 1.109.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tollspan import semconv
from tollspan.followed import find, passed_on
from tollspan.guarded import guarded
from tollspan.wire.exchange import state
from tollspan.wire.hook import Seam


def _set_attributes(wrapped: Callable[..., Any], _callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = wrapped(*args, **kwargs)
    _named(*args, **kwargs)
    return result


@guarded
def _named(span: Any, kwargs: Mapping[str, Any], response_obj: Any = None) -> None:
    """Look the response up; the names are those of LiteLLM's arguments."""
    hidden = (kwargs.get("standard_logging_object") or {}).get("hidden_params") or {}
    made_up = None if response_obj is None else response_obj.get("id")
    answer = find([made_up, *passed_on(hidden)])
    if answer is not None and answer.response_id:
        span.set_attribute(semconv.SHOWN_RESPONSE_ID, answer.response_id)


SEAM = Seam(
    "litellm.integrations.opentelemetry",
    {"OpenTelemetry": {"set_attributes": _set_attributes}},
    lambda: state.recorder is not None,
)
