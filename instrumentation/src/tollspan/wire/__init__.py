"""The seams at which calls are metered, one file a library; the only places that patch anything."""

from __future__ import annotations

from tollspan.attempt import Recorder
from tollspan.hosts import look_up
from tollspan.settings import Settings
from tollspan.wire import aiohttp, botocore, httpx, requests, urllib3, websockets
from tollspan.wire.exchange import state
from tollspan.wire.response import abort_open, disown_open

__all__ = ["SEAMS", "abort_open", "disown_open", "patch", "unpatch"]

SEAMS = (*httpx.SEAMS, *aiohttp.SEAMS, *requests.SEAMS, *urllib3.SEAMS, *botocore.SEAMS, *websockets.SEAMS)


def patch(recorder: Recorder, settings: Settings) -> None:
    """Hook the libraries, those not imported yet when they are. Idempotent."""
    state.recorder, state.include_usage_hosts = recorder, settings.include_usage_hosts
    state.provider_of, state.batch_usage = look_up(settings.hosts), settings.batch_usage
    state.propagate_to, state.fingerprint_key = settings.propagate_to, settings.fingerprint_key
    state.suppress_http_spans = settings.suppress_http_spans
    for seam in SEAMS:
        seam.put_in()


def unpatch() -> None:
    """Take the hooks out again; one that others have wrapped since stays and does nothing."""
    state.recorder = None
    for seam in SEAMS:
        seam.take_out()
