"""For whom a call is made: carried in tollspan's own context key, never in W3C Baggage.

Baggage travels to every host that an instrumented HTTP client talks to, providers included; a customer's
name must not. The context key stays inside the process.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from opentelemetry import context

from tollspan import semconv
from tollspan.guarded import guarded, log

if TYPE_CHECKING:
    from typing_extensions import Unpack

F = TypeVar("F", bound=Callable[..., Any])
_KEY = context.create_key("tollspan.attribution")
_ATTRIBUTES = {key: semconv.attribution_attribute(key) for key in semconv.ATTRIBUTION_KEYS}


class Keys(TypedDict, total=False):
    """What ``attribute`` takes; ``None`` leaves the outer value in force."""

    customer: str | None
    user: str | None
    organization: str | None
    project: str | None
    workspace: str | None
    feature: str | None
    feature_flag: str | None
    workflow: str | None
    run: str | None
    prompt: str | None
    prompt_version: str | None
    environment: str | None
    region: str | None
    agent: str | None
    request_type: str | None
    phase: str | None
    subscription: str | None
    billable: bool | None
    tags: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """The values in force: ``values`` by attribution key, ``tags`` by name; every text at most 256 bytes of UTF-8."""

    values: Mapping[str, str | bool] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, str | bool]:
        """Return them as span attributes, e.g. ``{"tollspan.customer": "acme", "tollspan.tags.team": "red"}``."""
        found = {_ATTRIBUTES[key]: value for key, value in self.values.items()}
        if self.tags:
            found.update({semconv.TAG_PREFIX + name: value for name, value in self.tags.items()})
        return found


NOBODY = Attribution()


def over(outer: Attribution, keys: Mapping[str, Any]) -> Attribution:
    """Lay keys over an attribution: inner values win key by key, tags name by name, 16 tags at most.

    A key that the wire contract does not know is logged and left out.
    """
    values, tags = dict(outer.values), dict(outer.tags)
    for key, value in keys.items():
        if value is None:
            continue
        if key == "tags":
            tags.update({str(name): _bounded(text) for name, text in value.items()})
        elif key in semconv.ATTRIBUTION_KEYS:
            values[key] = bool(value) if key == "billable" else _bounded(value)
        else:
            log.warning("tollspan: unknown attribution key %r left out; known: %s", key, semconv.ATTRIBUTION_KEYS)
    if len(tags) > semconv.MAX_TAGS:
        log.warning("tollspan: more than %d tags; kept the first ones", semconv.MAX_TAGS)
    return Attribution(values, dict(list(tags.items())[: semconv.MAX_TAGS]))


def current(inside: context.Context | None = None) -> Attribution:
    """Return the attribution in force here, or in a given context; an empty one when nobody set any."""
    found = context.get_value(_KEY, inside)
    return found if isinstance(found, Attribution) else NOBODY


def enter(whose: Attribution) -> Any:
    """Put exactly this attribution in force, whatever is now; return the token to detach from the context."""
    return context.attach(context.set_value(_KEY, whose))


class Scope:
    """A stretch of code whose calls belong to someone: a context manager and a decorator.

    As a decorator it serves functions, coroutines, generators and async generators; of the last two every
    step runs inside the scope, and the code that consumes them does not.
    """

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = keys
        self._tokens: list[Any] = []

    def __enter__(self) -> Attribution:
        return self._enter() or NOBODY

    @guarded
    def _enter(self) -> Attribution:
        inner = over(current(), self._keys)
        self._tokens.append(enter(inner))
        return inner

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._exit()

    @guarded
    def _exit(self) -> None:
        context.detach(self._tokens.pop())

    def __call__(self, function: F) -> F:
        """Decorate a function; each call, and each step of a generator, enters a scope of its own."""
        return cast("F", functools.wraps(function)(_wrapper(function)(function, self._keys)))


def attribute(**keys: Unpack[Keys]) -> Scope:
    """Say for whom the calls made inside are.

    ``with attribute(customer="acme", feature="chat"): ...``, or as a decorator. Scopes nest; inner keys override
    outer ones one by one. Values are cut at 256 bytes.
    """
    return Scope(keys)


def _bounded(value: object) -> str:
    raw = str(value).encode("utf-8", "replace")
    if len(raw) > semconv.MAX_ATTRIBUTION_VALUE_BYTES:
        log.warning("tollspan: attribution value of %d bytes cut", len(raw))
    return raw[: semconv.MAX_ATTRIBUTION_VALUE_BYTES].decode("utf-8", "ignore")


def _wrapper(function: Callable[..., Any]) -> Callable[[Callable[..., Any], Mapping[str, Any]], Callable[..., Any]]:
    if inspect.isasyncgenfunction(function):
        return _async_generator
    if inspect.isgeneratorfunction(function):
        return _generator
    return _coroutine if inspect.iscoroutinefunction(function) else _function


def _function(function: Callable[..., Any], keys: Mapping[str, Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with Scope(keys):
            return function(*args, **kwargs)

    return call


def _coroutine(function: Callable[..., Any], keys: Mapping[str, Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with Scope(keys):
            return await function(*args, **kwargs)

    return call


def _generator(function: Callable[..., Any], keys: Mapping[str, Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        steps = function(*args, **kwargs)
        step = functools.partial(steps.send, None)
        while True:
            try:
                with Scope(keys):
                    item = step()
            except StopIteration as end:
                return end.value
            try:
                step = functools.partial(steps.send, (yield item))
            except GeneratorExit:
                with Scope(keys):
                    steps.close()
                raise
            except BaseException as error:  # noqa: BLE001 - what was thrown in belongs to the inner generator
                step = functools.partial(steps.throw, error)

    return call


def _async_generator(function: Callable[..., Any], keys: Mapping[str, Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = function(*args, **kwargs)
        step = functools.partial(steps.asend, None)
        while True:
            try:
                with Scope(keys):
                    item = await step()
            except StopAsyncIteration:
                return
            try:
                step = functools.partial(steps.asend, (yield item))
            except GeneratorExit:
                with Scope(keys):
                    await steps.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - what was thrown in belongs to the inner generator
                step = functools.partial(steps.athrow, error)

    return call
