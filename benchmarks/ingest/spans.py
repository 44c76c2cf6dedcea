"""The load: requests of tollspan's own spans, each a call in a trace of its own, serialised beforehand."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from tollspan import export
from tollspan.attribution import Attribution
from tollspan.process import Identity
from tollspan.record import CallRecord
from tollspan.usage import TokenCounts

CUSTOMERS: Final = 500
MODELS: Final = ("gpt-5.2", "gpt-5-mini", "gpt-4o-mini", "o4-mini")
RESOURCE: Final = {"service.name": "assistant", "deployment.environment.name": "production"}
DISTINCT: Final = 20_480  # spans made by the instrumentation's own export; later ones differ in their ids

# Every id of a distinct span holds one of these; a round of the load puts its own number in their place.
_TRACE_MARK: Final = bytes.fromhex("feb10adf")
_TEXT_MARK: Final = "0fb10adf"


@dataclass(frozen=True, slots=True)
class Load:
    """``spans`` spans from ``first_ns`` on, ``per_request`` in a request; the same load gives the same bytes."""

    spans: int
    per_request: int
    seed: int
    first_ns: int

    def requests(self) -> Iterator[bytes]:
        """Give the requests one after another; no two spans share an id."""
        distinct = self._distinct()
        left = self.spans
        for round_number in count(self.seed << 16):
            trace, text = round_number.to_bytes(4, "big"), f"{round_number:08x}".encode()
            for request in distinct:
                if left <= 0:
                    return
                left -= self.per_request
                yield request.replace(_TRACE_MARK, trace).replace(_TEXT_MARK.encode(), text)

    def _distinct(self) -> list[bytes]:
        draw = random.Random(self.seed)  # noqa: S311 - the same seed has to give the same spans
        most = min(self.spans, DISTINCT)
        return [
            export.spans(
                [_record(draw, number, self.first_ns) for number in range(start, min(start + self.per_request, most))],
                RESOURCE,
            )
            for start in range(0, most, self.per_request)
        ]


def example() -> tuple[int, int]:
    """Return how many attributes and bytes a span of the load has."""
    load = Load(spans=512, per_request=512, seed=1, first_ns=1_700_000_000_000_000_000)
    return len(_record(random.Random(1), 0, load.first_ns).attributes()), len(next(load.requests())) // 512  # noqa: S311 - an example


def _record(draw: random.Random, number: int, first_ns: int) -> CallRecord:
    tokens = TokenCounts(input=draw.randrange(20, 8_000), output=draw.randrange(1, 900))
    used = (tokens.input or 0, tokens.output or 0)
    raw = {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)}
    model, user = draw.choice(MODELS), draw.randrange(20_000)
    start_ns = first_ns + number * 1_000
    return CallRecord(
        identity=Identity(
            _TEXT_MARK + str(uuid.UUID(int=draw.getrandbits(128)))[8:],
            f"{draw.getrandbits(96):024x}{_TRACE_MARK.hex()}",
            f"{draw.getrandbits(63) + 1:016x}",
        ),
        process_id=f"{_TEXT_MARK}f1e2d3c4",
        seq=number + 1,
        start_ns=start_ns,
        end_ns=start_ns + draw.randrange(200, 9_000) * 1_000_000,
        operation="chat",
        provider="openai",
        api="openai.chat",
        quality="exact",
        outcome="complete",
        attribution=Attribution(
            {"customer": f"customer-{user % CUSTOMERS:04d}", "user": f"user-{user:05d}", "feature": "answer"}
        ),
        counts=tokens,
        usage_raw=json.dumps(raw, separators=(",", ":")),
        request_model=model,
        response_model=f"{model}-2026-03-05",
        response_id=f"chatcmpl-{_TEXT_MARK}{draw.getrandbits(84):021x}",
    )
