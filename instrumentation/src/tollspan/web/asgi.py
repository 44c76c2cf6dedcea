"""Attribution of requests to an ASGI application, also of what it streams and of its background tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from tollspan.web.source import Middleware

ScopeOfAsgi = MutableMapping[str, Any]
Application = Callable[[ScopeOfAsgi, Any, Any], Awaitable[None]]


class AttributionMiddleware(Middleware[Application]):
    """Wraps an ASGI application; for where the names come from see :class:`~tollspan.web.source.Source`.

    ``resolve`` gets the connection scope. Pure ASGI, so that one context holds for the whole request: endpoints,
    sync ones too, tasks, streamed bodies and background tasks.
    """

    async def __call__(self, scope: ScopeOfAsgi, receive: Any, send: Any) -> None:
        """Answer a request in the scope of whom it is for."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        with self._source.scope(scope, lambda name: _header(scope, name)):
            await self._app(scope, receive, send)


def _header(scope: Mapping[str, Any], name: str) -> str | None:
    wanted = name.lower().encode("latin-1")
    values = [value.decode("latin-1") for key, value in scope.get("headers") or () if key.lower() == wanted]
    return ",".join(values) if values else None
