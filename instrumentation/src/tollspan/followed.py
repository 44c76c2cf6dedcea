"""The answers that the wires follow or have followed lately, for what hears of the same calls from a library.

LiteLLM gives answers of most providers an id of its own, and passes on the provider's headers: by the request id in
them its callback and its spans are found to show a call that has its record.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tollspan.answer import Answer

KEPT: Final = 1000  # answers; who asks comes within seconds
REQUEST_ID_HEADERS: Final = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid")
PASSED_ON: Final = "llm_provider-"  # how LiteLLM begins the names of headers that the provider sent
ASKING: Final = ("litellm", "tollspan.litellm")  # modules; without them nobody asks

_lately: deque[tuple[str | None, Answer]] = deque(maxlen=KEPT)


def note(request_id: str | None, answer: Answer) -> None:
    """Remember an answer that has begun; its response id may come later."""
    if not sys.modules.keys().isdisjoint(ASKING):
        _lately.append((request_id, answer))


def find(ids: Iterable[object]) -> Answer | None:
    """Return the newest answer that goes by one of these ids, the provider's request id or the response's."""
    wanted = {one for one in ids if isinstance(one, str) and one}
    for request_id, answer in reversed(tuple(_lately)):
        if request_id in wanted or answer.response_id in wanted:
            return answer
    return None


def passed_on(hidden: Mapping[str, Any]) -> Iterator[object]:
    """Yield the provider's request ids out of what LiteLLM calls the hidden parameters of a response."""
    headers = hidden.get("additional_headers") or {}
    yield from (value for name, value in headers.items() if name.removeprefix(PASSED_ON) in REQUEST_ID_HEADERS)
