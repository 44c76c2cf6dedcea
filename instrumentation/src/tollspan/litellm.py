"""A LiteLLM callback: each call that LiteLLM makes, in an app or in its proxy, becomes a usage event.

``litellm.callbacks = [tollspan.litellm.Callback()]``, or in the proxy's configuration
``litellm_settings: {callbacks: tollspan.litellm.callback}``. LiteLLM gives many answers ids of its own, by which nobody
could see that a wire has recorded the same call. So a call is told only where no wire of this process has: one of a
transport that is not hooked, of a handler of the application's own, or from LiteLLM's cache.

Source: https://docs.litellm.ai/docs/observability/custom_callback (names and arguments of the hooks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tollspan.followed import find, passed_on
from tollspan.guarded import guarded
from tollspan.runtime import record_usage
from tollspan.semconv import ATTRIBUTION_KEYS

try:
    from litellm.integrations.custom_logger import CustomLogger as _Base  # type: ignore[import-not-found] # optional
except ImportError:  # the hooks are called by name
    _Base = object


class Callback(_Base):  # type: ignore[misc] # the library may be missing
    """Tells what LiteLLM calls used. The event's id is LiteLLM's call id, unless ``metadata`` has ``event_id``."""

    @guarded
    def log_success_event(self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Tell a call that succeeded."""
        if kwargs.get("cache_hit"):
            _tell(kwargs, response_obj, start_time, end_time, "cache_hit")
        elif find(_ids(response_obj)) is None:
            _tell(kwargs, response_obj, start_time, end_time, "complete")

    @guarded
    def log_failure_event(self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Tell a call that failed, where the answer states what it used; the wires record attempts that failed."""
        if _get(response_obj, "usage"):
            _tell(kwargs, response_obj, start_time, end_time, "failed")

    async def async_log_success_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Tell a call that succeeded."""
        self.log_success_event(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Tell a call that failed, where the answer states what it used."""
        self.log_failure_event(kwargs, response_obj, start_time, end_time)


callback = Callback()


def _tell(kwargs: Mapping[str, Any], answer: Any, start: Any, end: Any, outcome: str) -> None:
    about = _dict(_dict(kwargs.get("litellm_params")).get("metadata"))
    usage = _dict(_get(answer, "usage"))
    details, out = _dict(usage.get("prompt_tokens_details")), _dict(usage.get("completion_tokens_details"))
    record_usage(
        **{key: about[key] for key in ATTRIBUTION_KEYS if key in about},
        **({"customer": _customer(kwargs, about)} if "customer" not in about else {}),
        id=about.get("event_id") or kwargs.get("litellm_call_id"),
        time=_instant(end),
        type=about.get("event_type"),
        duration_ms=_milliseconds(start, end),
        provider=kwargs.get("custom_llm_provider"),
        model=_get(answer, "model") or kwargs.get("model"),
        response_id=_get(answer, "id"),
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        cache_read_tokens=details.get("cached_tokens"),
        cache_write_tokens=details.get("cache_creation_tokens"),
        reasoning_tokens=out.get("reasoning_tokens"),
        cost_usd=kwargs.get("response_cost"),
        outcome=outcome,
    )


def _ids(answer: Any) -> Iterator[Any]:
    """Yield the ids of an answer: LiteLLM's or the provider's, and those that stood in the provider's headers."""
    yield _get(answer, "id")
    yield from passed_on(_dict(_get(answer, "_hidden_params")))


def _customer(kwargs: Mapping[str, Any], about: Mapping[str, Any]) -> Any:
    """Return whom LiteLLM calls the end user: its proxy's, else the ``user`` of the request."""
    return about.get("user_api_key_end_user_id") or kwargs.get("user")


def _get(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)


def _dict(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, a pydantic model as one, anything else as empty."""
    if isinstance(value, Mapping):
        return value
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) else {}


def _instant(at: Any) -> Any:
    """Return a time as text; LiteLLM's times have no offset and are local."""
    return at.astimezone(UTC).isoformat() if isinstance(at, datetime) else at


def _milliseconds(start: Any, end: Any) -> int | None:
    known = isinstance(start, datetime) and isinstance(end, datetime)
    return int((end - start).total_seconds() * 1000) if known else None
