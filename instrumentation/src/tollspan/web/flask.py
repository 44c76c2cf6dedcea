"""Attribution of requests to a Flask application, its streamed bodies included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, request

from tollspan.guarded import guarded
from tollspan.web.source import Named, Resolve, Source
from tollspan.web.wsgi import AttributionMiddleware


def init_app(
    app: Flask,
    *,
    header: Named | None = None,
    jwt_claim: Named | None = None,
    resolve: Callable[[Any], Any] | None = None,
    baggage: bool = False,
) -> None:
    """Attribute every request; for where the names come from see :class:`~tollspan.web.source.Source`.

    ``resolve`` gets ``flask.request``, before the view and after the application's own ``before_request`` functions
    that were registered earlier, so that it may look at the session and at ``flask.g``.
    """
    app.wsgi_app = AttributionMiddleware(  # type: ignore[method-assign] # as Flask's documentation says
        app.wsgi_app, header=header, jwt_claim=jwt_claim, baggage=baggage
    )
    if resolve is not None:
        app.before_request(lambda: _resolved(resolve))


@guarded
def _resolved(resolve: Resolve) -> None:
    """Enter what the function says; the request's own context, which the middleware made, ends with the request."""
    Source(resolve=resolve).scope(request, request.headers.get).__enter__()
