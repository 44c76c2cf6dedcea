"""Calls for tests of the store."""

from decimal import Decimal
from typing import Any

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS, Usage

TRACE = "0af7651916cd43dd8448eb211c80319c"


def a_call(call_id: str = "c_1", *, tenant: str = "default", trace: str = TRACE, **changed: Any) -> Call:
    fields: dict[str, Any] = {
        "tenant": tenant,
        "call_id": call_id,
        "kind": "call",
        "started_ns": 1_790_000_000_000_000_000,
        "ended_ns": 1_790_000_001_000_000_000,
        "members": (f"{trace}:00f067aa0ba902b7",),
        "trace_ids": (trace,),
        "evidence": f"{trace}:00f067aa0ba902b7",
        "dialect": "tollspan@1",
        "provider": "openai",
        "model": "gpt-4.1",
        "request_model": "gpt-4.1",
        "operation": "chat",
        "response_id": "chatcmpl-1",
        "record_id": None,
        "attempt": 1,
        "retry_of": None,
        "outcome": "complete",
        "quality": "exact",
        "service_tier": None,
        "stream": False,
        "ttft_ms": None,
        "usage": Usage(input=1200, output=350, units={"web_search": Decimal(2)}),
        "meter": None,
        "quantity": None,
        "reported_cost": Decimal("0.0124"),
        **dict.fromkeys(ATTRIBUTION_FIELDS),
        "customer": "acme",
    }
    return Call(**(fields | changed))
