"""Attribution nests, reaches generators step by step, stays bounded, and never becomes Baggage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import baggage

from tollspan import attribute, current
from tollspan.attribution import NOBODY, over


def customer() -> Any:
    return current().values.get("customer")


def test_inner_overrides_key_by_key_and_is_undone() -> None:
    with attribute(customer="acme", user="u1", tags={"team": "red", "tier": "gold"}):
        with attribute(user="u2", customer=None, billable=False, tags={"team": "blue"}):
            assert current().attributes() == {
                "tollspan.customer": "acme",
                "tollspan.user": "u2",
                "tollspan.billable": False,
                "tollspan.tags.team": "blue",
                "tollspan.tags.tier": "gold",
            }
        assert current().values == {"customer": "acme", "user": "u1"}
    assert current() == NOBODY


def test_an_exception_inside_passes_and_the_scope_ends() -> None:
    with pytest.raises(KeyError), attribute(customer="acme"):
        raise KeyError
    assert customer() is None


def test_decorates_functions_and_coroutines() -> None:
    @attribute(customer="acme")
    def plain(more: int) -> tuple[Any, int]:
        """Docs stay."""
        return customer(), more

    @attribute(customer="acme")
    async def later() -> Any:
        await asyncio.sleep(0)
        return customer()

    assert plain(3) == ("acme", 3)
    assert plain.__doc__ == "Docs stay."
    assert asyncio.run(later()) == "acme"
    assert customer() is None


def test_generators_hold_it_in_each_step_and_their_consumer_does_not() -> None:
    seen: list[Any] = []

    @attribute(customer="acme")
    def steps() -> Iterator[Any]:
        try:
            got = yield customer()
            try:
                yield (got, customer())
            except ValueError:
                yield "thrown"
        finally:
            seen.append(customer())
        return "end"

    generator: Any = steps()
    assert next(generator) == "acme"
    assert customer() is None
    assert generator.send(7) == (7, "acme")
    assert generator.throw(ValueError()) == "thrown"
    with pytest.raises(StopIteration, match="end"):
        next(generator)
    closed: Any = steps()
    next(closed)
    closed.close()
    assert seen == ["acme", "acme"]


def test_async_generators_hold_it_in_each_step_and_their_consumer_does_not() -> None:
    seen: list[Any] = []

    @attribute(customer="acme")
    async def steps() -> AsyncIterator[Any]:
        try:
            yield customer()
            try:
                yield customer()
            except ValueError:
                yield "thrown"
        finally:
            seen.append(customer())

    async def main() -> None:
        async for item in steps():
            assert (item, customer()) == ("acme", None)
        thrown: Any = steps()
        await thrown.__anext__()
        await thrown.__anext__()
        assert await thrown.athrow(ValueError()) == "thrown"
        await thrown.aclose()

    asyncio.run(main())
    assert seen == ["acme", "acme"]


def test_threads_of_tasks_do_not_mix() -> None:
    async def one(name: str) -> Any:
        with attribute(customer=name):
            await asyncio.sleep(0)
            return customer()

    async def main() -> list[Any]:
        return await asyncio.gather(*(one(str(n)) for n in range(20)))

    assert asyncio.run(main()) == [str(n) for n in range(20)]


def test_it_never_becomes_baggage() -> None:
    with attribute(customer="acme"):
        assert baggage.get_all() == {}


def test_an_unknown_key_is_logged_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "tollspan"), attribute(costumer="acme", user="u1"):  # type: ignore[call-arg]
        assert current().values == {"user": "u1"}
    assert "costumer" in caplog.text


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300), st.dictionaries(st.text(max_size=9), st.just("é" * 200), max_size=20))
def test_values_and_tags_are_bounded(text: str, tags: dict[str, str]) -> None:
    found = over(NOBODY, {"customer": text, "tags": tags})
    values = [found.values["customer"], *found.tags.values()]
    assert all(isinstance(value, str) and len(value.encode()) <= 256 for value in values)
    assert len(found.tags) == min(16, len(tags))
