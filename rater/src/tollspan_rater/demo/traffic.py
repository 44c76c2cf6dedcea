"""The calls of the demo, planned one by one before anything is sent: what the bills are held against."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from tollspan_rater.demo import cast
from tollspan_rater.demo.shape import SHAPES, arrivals, sizes, split
from tollspan_rater.demo.trace import TraceRow

MS_NS: Final = 1_000_000
TOKEN_MS: Final = 12  # that each token of an answer takes after the first
FAILED_SHARE: Final = 0.02  # of the logical calls, whose first attempt fails and is made again
CUT_SHARE: Final = 0.4  # of the failed attempts, that were cut off after the provider had begun to charge
CACHED_SHARE: Final = 0.3  # of the calls, that read from a prompt cache
WRITES_SHARE: Final = 0.1  # of the calls to providers that bill it, that write to a prompt cache
LEAST_CACHED: Final = 1_024  # shorter prompts are not cached by the providers

Outcome = Literal["complete", "failed", "aborted"]


class PlannedCall(NamedTuple):
    """One physical provider call as it will be billed; a plain tuple, so that anyone can recount it.

    ``input`` contains cache reads and writes, ``output`` contains reasoning; ``None``: the provider states nothing
    and charges nothing. ``retry_of`` is the number of the first attempt of the same logical call; ``last`` is
    False when another attempt follows.
    """

    number: int
    start_ns: int
    end_ns: int
    customer: str
    user: str
    feature: str
    environment: str | None
    provider: str
    model: str
    api: str
    input: int | None
    cache_read: int
    cache_write: int
    cache_write_1h: int
    output: int | None
    reasoning: int
    outcome: Outcome
    attempt: int
    retry_of: int | None
    last: bool
    ttft_ms: int | None = None  # of calls whose answer began; None also where nobody stopped the time
    prompt_version: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What one logical call asks for: when, how large, which kind of feature."""

    start_ns: int
    input: int
    output: int
    kind: str


def generated(calls: int, start_ns: int, rng: random.Random) -> list[Asked]:
    """Draw an hour of traffic with the published shape, beginning at ``start_ns``, in the order of time."""
    asked = [
        Asked(start_ns + offset, tokens_in, tokens_out, shape.name)
        for shape, part in zip(SHAPES, split(calls), strict=True)
        for offset, (tokens_in, tokens_out) in zip(arrivals(shape, part, rng), sizes(shape, part, rng), strict=True)
    ]
    return sorted(asked, key=lambda one: one.start_ns)


def traced(rows: Iterable[TraceRow]) -> list[Asked]:
    """Take the rows of traces as they are, in the order of time; code asks much and answers little."""
    kinds = ("conversation", "code")
    asked = [Asked(row.start_ns, row.input, row.output, kinds[row.output * 16 < row.input]) for row in rows]
    return sorted(asked, key=lambda one: one.start_ns)


def plan(
    asked: Sequence[Asked], customers: Sequence[cast.Customer], rng: random.Random, *, failures: bool
) -> list[PlannedCall]:
    """Give each logical call a customer, a user, a model ... by a seeded rule; ``failures`` adds failed attempts.

    Without ``failures`` there is one call for each one asked for, with exactly its tokens.
    """
    ranks = cast.zipf(len(customers))
    weights = [model.weight for model in cast.MODELS]
    planned: list[PlannedCall] = []
    for one in asked:
        customer = rng.choices(customers, cum_weights=ranks)[0]
        model = rng.choices(cast.MODELS, weights)[0]
        call = _complete(len(planned), one, customer, model, rng)._replace(
            feature=cast.draw(cast.FEATURES[one.kind], rng), environment=cast.draw(cast.ENVIRONMENTS, rng)
        )
        if failures and rng.random() < FAILED_SHARE:
            first = _failed(call, rng)
            planned.append(first)
            gap = first.end_ns - call.start_ns + 500 * MS_NS
            call = call._replace(
                number=call.number + 1,
                start_ns=call.start_ns + gap,
                end_ns=call.end_ns + gap,
                attempt=2,
                retry_of=first.number,
            )
        planned.append(call)
    return planned


def _complete(number: int, one: Asked, customer: cast.Customer, model: cast.Model, rng: random.Random) -> PlannedCall:
    cached = one.input >= LEAST_CACHED and rng.random() < CACHED_SHARE
    read = rng.randrange(LEAST_CACHED, one.input + 1) if cached else 0
    writes = model.cache_write and one.input >= LEAST_CACHED and not cached and rng.random() < WRITES_SHARE
    written = rng.randrange(LEAST_CACHED, one.input + 1) if writes else 0
    ttft_ms = 300 + rng.randrange(400)
    return PlannedCall(
        number=number,
        start_ns=one.start_ns,
        end_ns=one.start_ns + (ttft_ms + TOKEN_MS * one.output) * MS_NS,
        customer=customer.name,
        user=f"{customer.name}-user-{rng.randrange(customer.users) + 1}",
        feature="",
        environment=None,
        provider=model.provider,
        model=model.name,
        api=model.api,
        input=one.input,
        cache_read=read,
        cache_write=written,
        cache_write_1h=written if written % 4 == 0 else 0,
        output=one.output,
        reasoning=one.output * rng.randrange(20, 80) // 100 if model.reasons else 0,
        outcome="complete",
        attempt=1,
        retry_of=None,
        last=True,
        ttft_ms=ttft_ms,
        prompt_version="v3" if number % 4 == 0 else "v2",
    )


def _failed(call: PlannedCall, rng: random.Random) -> PlannedCall:
    """Return a first attempt that failed: cut off in its answer, or refused without any usage.

    What was cut off states no usage: its tokens are the sender's estimate, without any split.
    """
    unsplit = call._replace(cache_read=0, cache_write=0, cache_write_1h=0, reasoning=0, last=False)
    if rng.random() < CUT_SHARE:
        return unsplit._replace(output=(call.output or 0) // 2, outcome="aborted")
    return unsplit._replace(end_ns=call.start_ns + 80 * MS_NS, input=None, output=None, outcome="failed", ttft_ms=None)
