"""Attribution of requests to a Django application, sync and async, streamed bodies included.

``MIDDLEWARE = [..., "tollspan.web.django.AttributionMiddleware"]`` behind the middleware that knows the user, and
``TOLLSPAN = {"header": ..., "jwt_claim": ..., "resolve": "shop.tenants.customer_of", "baggage": False}``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.utils.module_loading import import_string

from tollspan.attribution import Scope
from tollspan.guarded import safely
from tollspan.web.source import Source


class AttributionMiddleware:
    """Django middleware; for where the names come from see :class:`~tollspan.web.source.Source`.

    ``resolve`` gets the ``HttpRequest``; it is a function or its dotted path.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._source = safely(_configured) or Source()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Answer a request in the scope of whom it is for."""
        scope = self._source.scope(request, request.headers.get)
        if iscoroutinefunction(self):
            return self._answered(request, scope)
        with scope:
            response = self._get_response(request)
        safely(_stream, response, scope)
        return response

    async def _answered(self, request: Any, scope: Scope) -> Any:
        with scope:
            response = await self._get_response(request)
        safely(_stream, response, scope)
        return response


def _configured() -> Source:
    options = dict(getattr(settings, "TOLLSPAN", {}))
    if isinstance(options.get("resolve"), str):
        options["resolve"] = import_string(options["resolve"])
    return Source(**options)


def _stream(response: Any, scope: Scope) -> None:
    """Let each step of a streamed body run in the scope: it is read after the middleware has returned."""
    if not getattr(response, "streaming", False):
        return
    content = response.streaming_content
    response.streaming_content = scope(_asteps if response.is_async else _steps)(content)


def _steps(content: Iterator[bytes]) -> Iterator[bytes]:
    yield from content


async def _asteps(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in content:
        yield piece
