"""Attribution of requests to FastAPI's endpoints by a dependency, for routes that need one of their own.

For a whole application ``app.add_middleware(tollspan.web.asgi.AttributionMiddleware, ...)`` is the simpler way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from fastapi import Request

from tollspan.web.source import Named, Resolve, Source


def attribution(
    *,
    header: Named | None = None,
    jwt_claim: Named | None = None,
    resolve: Resolve | None = None,
    baggage: bool = False,
) -> Callable[[Request], AsyncIterator[None]]:
    """Return a dependency, ``Depends(attribution(header="x-customer-id"))``.

    It is async, and has to be: FastAPI runs a sync one in a thread with a copy of the context, so that what it sets
    reaches nothing. Sub-dependencies of one's own that call ``attribute`` have the same limit.
    """
    source = Source(header, jwt_claim, resolve, baggage)

    async def entered(request: Request) -> AsyncIterator[None]:
        with source.scope(request, request.headers.get):
            yield

    return entered
