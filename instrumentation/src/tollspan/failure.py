"""What an exception says of a request: who ended it, and whether the provider can have seen it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tollspan.semconv import Outcome

# By name, because no HTTP library is imported here.
UNSENT: Final = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"),
        *("ClientConnectorError", "NewConnectionError", "ConnectTimeoutError", "NameResolutionError"),
        *("EndpointConnectionError", "ProxyConnectionError"),
    }
)
NOBODY_THERE: Final = "NewConnectionError"  # of urllib3, where it is a kind of timeout
TIMEOUTS: Final = frozenset({"TimeoutException", "TimeoutError", "Timeout"})


@dataclass(frozen=True, slots=True)
class Failure:
    """How a request ended.

    ``error`` is the error's name, ``None`` for the application's own will; ``sent``: the provider may have seen the
    request, and so may charge for it.
    """

    outcome: Outcome
    error: str | None
    sent: bool


def failure(error: BaseException) -> Failure:
    """Read an exception: the application's own (cancel, close) aborts, a transport's fails or is a timeout."""
    if not isinstance(error, Exception):
        return Failure("aborted", None, sent=True)
    names = {kind.__name__ for one in _causes(error) for kind in type(one).__mro__}
    timed_out = names & TIMEOUTS and NOBODY_THERE not in names
    return Failure("timeout" if timed_out else "failed", type(error).__name__, sent=not names & UNSENT)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was made of: requests wraps urllib3's, which name a reason."""
    yield error
    for inner in (*error.args[:1], getattr(error, "reason", None)):
        if isinstance(inner, BaseException) and inner is not error:
            yield from _causes(inner)
