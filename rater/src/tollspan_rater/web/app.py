"""The pages over HTTP: signing in, one route a page, and headers that let a browser load nothing from elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final, cast
from urllib.parse import parse_qs, quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from tollspan_rater import errors
from tollspan_rater.api.access import Denied, Gate
from tollspan_rater.api.wire import problem
from tollspan_rater.domain.clock import Clock
from tollspan_rater.domain.identity import Identity
from tollspan_rater.query.rater import RaterDoor
from tollspan_rater.web.address import OVERVIEW, ROOT, SIGN_IN, page, within
from tollspan_rater.web.asking import Asking
from tollspan_rater.web.audited import audit
from tollspan_rater.web.customer import customer
from tollspan_rater.web.explained import call, explain
from tollspan_rater.web.overview import overview
from tollspan_rater.web.page import Page
from tollspan_rater.web.session import LASTS_S, Sessions

COOKIE: Final = "tollspan_pages"
MAX_FORM_BYTES: Final = 8_192
UNAUTHORIZED, FORBIDDEN, SEE_OTHER = 401, 403, 303
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would hide the Origin of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Build = Callable[[Asking, Mapping[str, str], Clock], Page]
_PAGES: Final[Mapping[str, Build]] = {
    "": overview, "customer": customer, "call": call, "explain": explain, "audit": audit,
}  # fmt: skip
_MENU: Final = (("Overview", "", "usage"), ("Explain", "explain", "explain"), ("Audit", "audit", "audit"))
_FILES: Final[Mapping[str, str]] = {"style.css": "text/css", "icon.svg": "image/svg+xml"}

log = logging.getLogger("tollspan")


def page_routes(rater: RaterDoor, local_token: str, clock: Clock, new_name: Callable[[], str]) -> list[BaseRoute]:
    """Make the routes of the pages, to stand beside those of the API.

    Args:
        rater: who answers; called in worker threads, several at a time.
        local_token: the token of ``run.json``; it signs in from this machine only.
        clock: tells the running month and when a session ends.
        new_name: draws the unguessable name of a session.
    """
    doors = _Doors(rater, Sessions(Gate(rater, local_token), clock, new_name), clock)
    pages = Starlette(
        routes=[
            Route("/sign-in", doors.form),
            Route("/sign-in", doors.sign_in, methods=["POST"]),
            Route("/sign-out", doors.sign_out, methods=["POST"]),
            *(Route(f"/{name}", _file(name, media)) for name, media in _FILES.items()),
            *(Route(f"/{name}", doors.shows(name, build)) for name, build in _PAGES.items()),
        ],
        exception_handlers={
            errors.TollspanError: _on_tollspan_error,
            Denied: _on_denied,
            HTTPException: _on_http_exception,
            Exception: _on_surprise,
        },
    )
    return [Route("/", _to_overview), Mount(ROOT, pages)]


class _Doors:
    """The endpoints."""

    def __init__(self, rater: RaterDoor, sessions: Sessions, clock: Clock) -> None:
        self._rater, self._sessions, self._clock = rater, sessions, clock

    def shows(self, name: str, build: Build) -> Callable[[Request], Any]:
        """Return the endpoint of a page."""

        async def endpoint(request: Request) -> Response:
            who = await run_in_threadpool(self._sessions.identity, request.cookies.get(COOKIE, ""), _peer(request))
            if not name and who.customer is not None:
                return RedirectResponse(page("customer"), SEE_OTHER, HEADERS)
            given = dict(request.query_params)
            asking = Asking(self._rater, who, given.get("as_of") or None)
            made = await run_in_threadpool(build, asking, given, self._clock)
            return _html("page.html", title=made.title, page=made, here=request.url.path, **_frame(asking))

        return endpoint

    async def form(self, request: Request) -> Response:
        """Show the form to sign in."""
        return _sign_in(within(request.query_params.get("next", "")))

    async def sign_in(self, request: Request) -> Response:
        """Begin a session; a wrong key shows the form again."""
        given = await _posted(request)
        onward = within(given.get("next", ""))
        try:
            name = await run_in_threadpool(
                self._sessions.begin, given.get("key", "").strip(), given.get("tenant", "").strip(), _peer(request)
            )
        except Denied as denied:
            return _sign_in(onward, str(denied), denied.status)
        response = RedirectResponse(onward, SEE_OTHER, HEADERS)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, name, max_age=LASTS_S, path=ROOT, secure=secure, httponly=True, samesite="lax")
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await _posted(request)
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse(SIGN_IN, SEE_OTHER, HEADERS)
        response.delete_cookie(COOKIE, path=ROOT)
        return response


def _frame(asking: Asking) -> dict[str, Any]:
    """Return what stands around a page: the menu of what the reader may open, and who that is."""
    who: Identity = asking.identity
    if who.customer is not None:
        return {"nav": [(who.customer, page("customer"))], "who": f"customer {who.customer}"}
    menu = [(words, page(name)) for words, name, asked in _MENU if asking.may(asked)]
    return {"nav": menu, "who": f"tenant {who.tenant}"}


async def _to_overview(_request: Request) -> Response:
    return RedirectResponse(OVERVIEW, SEE_OTHER, HEADERS)


def _file(name: str, media: str) -> Callable[[Request], Any]:
    body = (files(__package__) / "static" / name).read_bytes()

    async def endpoint(_request: Request) -> Response:
        return Response(body, media_type=media, headers={**HEADERS, "Cache-Control": "max-age=300"})

    return endpoint


def _peer(request: Request) -> str | None:
    return None if request.client is None else request.client.host


async def _posted(request: Request) -> dict[str, str]:
    """Return the fields of a form that one of our own pages sent.

    Raises:
        Denied: another site sent it.
        UsageError: it is too long, or no form.
    """
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise Denied(FORBIDDEN, "this form was sent from another site")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise errors.UsageError(f"a form may have {MAX_FORM_BYTES} bytes")
    try:
        return {name: values[-1] for name, values in parse_qs(body.decode("utf-8")).items()}
    except ValueError as error:
        raise errors.UsageError("this is no form") from error


_ENVIRONMENT: Final = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)


def _html(template: str, status: int = 200, **shown: Any) -> Response:
    body = _ENVIRONMENT.get_template(template).render({"nav": [], "who": "", "here": "", **shown})
    return Response(body, status, HEADERS, "text/html")


def _sign_in(onward: str, said: str = "", status: int = 200) -> Response:
    return _html("sign_in.html", status, title="Sign in", said=said, next=onward)


def _refused(status: int, title: str, said: str) -> Response:
    nav = [(words, page(name)) for words, name, _ in _MENU]
    return _html("refused.html", status, title=title, said=said, nav=nav)


async def _on_tollspan_error(_request: Request, error: Exception) -> Response:
    said = problem(cast("errors.TollspanError", error))
    return _refused(said["status"], "This cannot be shown", said["detail"])


async def _on_denied(request: Request, error: Exception) -> Response:
    denied = cast("Denied", error)
    if denied.status != UNAUTHORIZED:
        return _refused(denied.status, "Not for this key", str(denied))
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(asked, safe='')}", SEE_OTHER, HEADERS)


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    wrong = cast("HTTPException", error)
    return _refused(wrong.status_code, "No such page", wrong.detail)


async def _on_surprise(_request: Request, _error: Exception) -> Response:
    return _refused(500, "An unexpected error", "The server's log has it.")
