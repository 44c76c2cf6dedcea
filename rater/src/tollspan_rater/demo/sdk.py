"""Calls with the real OpenAI and Anthropic SDKs against the bundled fake provider, metered by the instrumentation.

The provider's own bill is the truth for these calls: nobody planned their tokens.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tollspan
from tollspan_rater.demo.cast import Customer
from tollspan_rater.demo.provider import FakeProvider
from tollspan_rater.demo.traffic import PlannedCall
from tollspan_rater.errors import DemoError

CALLS: Final = 40
FEATURE: Final = "sdk calls"
LOOPBACK: Final = "127.0.0.1"
NO_PROXY: Final[Mapping[str, None]] = {f"all://{LOOPBACK}": None}  # whatever proxy the environment names
FLUSH_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Clients:
    """The vendors' own clients, pointed at the fake provider."""

    openai: Any
    anthropic: Any


def clients(url: str) -> Clients | None:
    """Make the clients; None when the SDKs are not installed (extra ``demo``)."""
    try:
        import anthropic  # noqa: PLC0415 - an extra that the rest of the demo does without
        import openai  # noqa: PLC0415 - as above
    except ImportError:
        return None
    return Clients(
        openai.OpenAI(base_url=f"{url}/v1", api_key="made-up", http_client=openai.DefaultHttpxClient(mounts=NO_PROXY)),
        anthropic.Anthropic(base_url=url, api_key="made-up", http_client=anthropic.DefaultHttpxClient(mounts=NO_PROXY)),
    )


def run(
    otlp_url: str, customers: Sequence[Customer], first_number: int, rng: random.Random, now_ns: Callable[[], int]
) -> list[PlannedCall] | None:
    """Make ``CALLS`` calls one after the other, as an instrumented application; return what the provider billed.

    Returns when the rater has acknowledged all of them; None when the SDKs are not installed.

    Raises:
        DemoError: the instrumentation could not deliver its records.
    """
    with FakeProvider(seed=rng.randrange(1 << 30)) as provider:
        made = clients(provider.url)
        if made is None:
            return None
        tollspan.install(endpoint=otlp_url, include_usage_hosts={LOOPBACK})
        try:
            billed = [
                _billed(entry, number, customer, started)
                for number, (customer, started, entry) in enumerate(
                    _calls(made, provider, customers, rng, now_ns), first_number
                )
            ]
            tollspan.flush(FLUSH_S)
            if tollspan.stats().exported != CALLS:
                raise DemoError(f"the instrumentation delivered {tollspan.stats()} of {CALLS} records")
        finally:
            tollspan.uninstall()
    return billed


def _calls(
    made: Clients, provider: FakeProvider, customers: Sequence[Customer], rng: random.Random, now_ns: Callable[[], int]
) -> Iterator[tuple[Customer, int, Mapping[str, Any]]]:
    for turn in range(CALLS):
        customer, started = rng.choice(customers), now_ns()
        user = f"{customer.name}-user-{rng.randrange(customer.users) + 1}"
        before = len(provider.bill.entries)
        with tollspan.attribute(customer=customer.name, user=user, feature=FEATURE):
            WAYS[turn % len(WAYS)](made, f"Say in one sentence what a token costs. ({turn})")
        entries = provider.bill.entries[before:]
        if len(entries) != 1:
            raise DemoError(f"the fake provider billed {len(entries)} calls instead of one")
        yield customer, started, entries[0]


def _billed(entry: Mapping[str, Any], number: int, customer: Customer, started: int) -> PlannedCall:
    return PlannedCall(
        number=number,
        start_ns=started,
        end_ns=started,
        customer=customer.name,
        user="",
        feature=FEATURE,
        environment=None,
        provider=entry["provider"],
        model=entry["model"],
        api=entry["api"],
        input=entry["input"],
        cache_read=entry["cache_read"],
        cache_write=entry["cache_write"],
        cache_write_1h=entry["cache_write_1h"],
        output=entry["output"],
        reasoning=entry["reasoning"],
        outcome="complete",
        attempt=1,
        retry_of=None,
        last=True,
    )


def _chat(made: Clients, text: str) -> None:
    made.openai.chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": text}])


def _chat_stream(made: Clients, text: str) -> None:
    said = [{"role": "user", "content": text}]
    for _chunk in made.openai.chat.completions.create(model="gpt-4.1", messages=said, stream=True):
        pass


def _responses(made: Clients, text: str) -> None:
    made.openai.responses.create(model="o4-mini", input=text)


def _responses_stream(made: Clients, text: str) -> None:
    for _event in made.openai.responses.create(model="gpt-4o-mini", input=text, stream=True):
        pass


def _embeddings(made: Clients, text: str) -> None:
    made.openai.embeddings.create(model="text-embedding-3-small", input=text)


def _messages(made: Clients, text: str) -> None:
    said = [{"role": "user", "content": text}]
    made.anthropic.messages.create(model="claude-haiku-5-5", max_tokens=256, messages=said)


def _messages_stream(made: Clients, text: str) -> None:
    said = [{"role": "user", "content": text}]
    with made.anthropic.messages.stream(model="claude-sonnet-5-5", max_tokens=256, messages=said) as stream:
        for _text in stream.text_stream:
            pass


WAYS: Final = (_chat, _chat_stream, _messages, _responses, _messages_stream, _responses_stream, _embeddings)
