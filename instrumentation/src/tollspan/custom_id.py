"""For whom each result of a batch is, told by the caller's own name for its request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import context

from tollspan.attribution import Attribution, Keys, over
from tollspan.guarded import safely

KeysOf = Callable[[str], Keys]
_KEY = context.create_key("tollspan.keys_of_custom_id")


@contextmanager
def attribute_results(keys_of: KeysOf) -> Iterator[None]:
    """Say for whom the results are that are asked for inside, each by its ``custom_id``.

    ``with attribute_results(lambda custom_id: {"customer": custom_id.partition("/")[0]}): client.files.content(...)``.
    The keys lie over the attribution in force. A function that fails says nothing: the result is recorded without.
    """
    token = safely(lambda: context.attach(context.set_value(_KEY, keys_of)))
    try:
        yield
    finally:
        if token is not None:
            safely(context.detach, token)


def keys_of_custom_id() -> KeysOf | None:
    """Return the function in force here."""
    found: Any = context.get_value(_KEY)
    return found if callable(found) else None


def told(whose: Attribution, custom_id: str | None, keys_of: KeysOf | None) -> Attribution:
    """Return an attribution with what a result's ``custom_id`` says over it."""
    keys = None if custom_id is None or keys_of is None else safely(keys_of, custom_id)
    return over(whose, keys) if isinstance(keys, Mapping) else whose
