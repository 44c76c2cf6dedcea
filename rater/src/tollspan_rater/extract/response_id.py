"""The id that a provider gave to a response: what it is worth for finding the views of one call."""

from __future__ import annotations

import re
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Role

# LiteLLM makes ids of its own for providers that are not OpenAI: chatcmpl-<uuid4>.
_SYNTHETIC_ID: Final = re.compile(r"chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# Ollama draws its ids from 999 values: too few to link traces with.
_WEAK_ID: Final = re.compile(r"chatcmpl-[0-9]{1,3}")

Tie = tuple[str, str, str]  # tenant, trace id ("" for an id that ties traces), response id


def real_id(span: Extracted) -> str | None:
    """Return the response id that the provider gave; None for ids that a gateway made up."""
    return genuine(span.response_id)


def genuine(said: str | None) -> str | None:
    """Return a response id, None for one that a gateway made up."""
    if said is None or (said.startswith("chatcmpl-") and _SYNTHETIC_ID.fullmatch(said)):
        return None
    return said


def link_id(span: Extracted) -> str | None:
    """Return the text that ties a span to spans of other traces, the same for every view of a call; else None."""
    if span.role not in {Role.CALL, Role.EVIDENCE}:
        return None
    said = real_id(span)
    return None if said is None or _WEAK_ID.fullmatch(said) else said


def tie(span: Extracted) -> Tie | None:
    """Return within what a span's response id is compared: its tenant, or its trace for an id out of a few values."""
    said = real_id(span)
    if said is None:
        return None
    return (span.tenant, "" if link_id(span) else span.trace_id, said)
