"""What ``python -m tollspan`` tells: is metering on here, does its endpoint answer, does anything wait."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tollspan.sender import OK_CLASS, REFUSALS
from tollspan.settings import Settings, resolve
from tollspan.spool import waiting
from tollspan.transport import http_post

EMPTY = b""  # the encoding of a request without spans


class Line(NamedTuple):
    """What is looked at, what was found, and whether that is as it should be."""

    what: str
    found: str
    fine: bool


def status(environ: Mapping[str, str]) -> Iterator[Line]:
    """Yield what an application that starts with this environment would find; nothing is changed, no record is sent."""
    settings = resolve(environ)
    if settings is None:
        yield Line("metering", "off: no endpoint, set TOLLSPAN_OTLP_ENDPOINT; or switched off", fine=False)
        return
    yield Line("metering", f"on, {len(settings.headers)} headers", fine=True)
    yield _endpoint(settings)
    if not settings.spool:
        yield Line("unsent", "wait in memory only (TOLLSPAN_SPOOL_DIR is empty)", fine=True)
    yield from map(_folder, settings.spool)


def _endpoint(settings: Settings) -> Line:
    try:
        code, _answer = http_post(settings.url, settings.headers, settings.transport)(EMPTY)
    except (OSError, http.client.HTTPException) as error:
        return Line("endpoint", f"{settings.url}: not reached ({error})", fine=False)
    said = "answers" if code // 100 == OK_CLASS else "refuses" if code in REFUSALS else "does not take records"
    return Line("endpoint", f"{settings.url}: {said} (HTTP {code})", fine=code // 100 == OK_CLASS)


def _folder(folder: Path) -> Line:
    try:
        sizes = waiting(folder)
    except FileNotFoundError:
        return Line("unsent", f"{folder}: none", fine=True)
    except OSError as error:
        return Line("unsent", f"{folder}: cannot be used ({error})", fine=False)
    return Line("unsent", f"{folder}: {len(sizes)} files, {sum(sizes.values())} bytes", fine=True)
