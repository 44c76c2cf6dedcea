"""Money spans of a serving rater: as configured, and gone when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tollspan_rater.errors import ConfigError
from tollspan_rater.trace_out.outbox import Outbox
from tollspan_rater.trace_out.target import GrpcTarget, HttpTarget, Target, read_headers
from tollspan_rater.trace_out.teller import Bounds
from tollspan_rater.trace_out.trace_out import TraceOut

if TYPE_CHECKING:
    from tollspan_rater.config.model import TraceOut as Settings
    from tollspan_rater.server.rater import Rater

SECOND_NS: Final = 1_000_000_000


def trace_out(rater: Rater) -> TraceOut | None:
    """Make what tells traces of the calls of the configured tenant; None where no endpoint is configured.

    Raises:
        ConfigError: a file that the configuration names cannot be used.
    """
    settings, tenant = rater.config.trace_out, rater.config.tenant
    if settings.endpoint is None:
        return None
    bounds = Bounds(settings.quiet_seconds * SECOND_NS, settings.max_told, settings.max_waiting)
    target = _target(settings.endpoint, settings)
    return TraceOut(lambda: rater.asker.scope(tenant), Outbox(rater.folder.trace_outbox), target, rater.clock, bounds)


@contextmanager
def money_spans(rater: Rater) -> Iterator[None]:
    """Send money spans inside the ``with``, where an endpoint is configured."""
    rater.trace_out = trace_out(rater)
    if rater.trace_out is None:
        yield
        return
    rater.trace_out.start()
    try:
        yield
    finally:
        rater.trace_out.stop()


def _target(endpoint: str, settings: Settings) -> Target:
    headers = read_headers(settings.headers_file)
    try:
        authorities = None if settings.ca_file is None else settings.ca_file.read_bytes()
        if settings.protocol == "grpc":
            return GrpcTarget(endpoint, headers, authorities)
        return HttpTarget(endpoint, headers, settings.ca_file)
    except OSError as error:  # also what holds no certificate
        remedy = f"{error}; give PEM certificates"
        raise ConfigError("trace_out.ca_file", str(settings.ca_file), "configuration", remedy) from error
