"""Where records go and what may be changed on the wire, from arguments and environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from tollspan.guarded import log
from tollspan.semconv import BatchUsage
from tollspan.transport import Transport
from tollspan.variables import VARIABLES, pairs, read

TRACES_PATH = "/v1/traces"
GRPC_PORT, HTTP_PORT = 4317, 4318  # the OTLP specification's default ports


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What is asked for: attribution on LLM spans of others or on all spans, tokens on the active span, metrics."""

    stamp_spans: bool | Literal["all"] = False
    copy_to_span: bool = False
    metrics: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """``url`` is the full address that OTLP requests are posted to, ``transport`` how.

    ``spool`` are the folders for unsent records, the first that can be written to is used; they hold ``spool_bytes``
    at most. None: records wait in memory.
    ``propagate_to`` are patterns of hosts that may get attribution as Baggage, ``fingerprint_key`` the secret under
    which requests are fingerprinted, ``threads`` tells whether threads started by hand are carried into,
    ``telemetry`` what the application's own telemetry gets, ``suppress_http_spans`` what it is spared.
    ``hosts`` maps patterns of hosts to the providers behind them, ``batch_usage`` tells what batches are metered by.
    """

    url: str
    headers: Mapping[str, str]
    transport: Transport
    resource: Mapping[str, str]
    spool: tuple[Path, ...]
    spool_bytes: int
    include_usage_hosts: frozenset[str]
    propagate_to: tuple[str, ...]
    fingerprint_key: bytes | None = field(repr=False)
    threads: bool
    hosts: Mapping[str, str]
    telemetry: Telemetry
    suppress_http_spans: bool
    batch_usage: BatchUsage


def resolve(environ: Mapping[str, str], **arguments: Any) -> Settings | None:
    """Find the settings; ``None`` when no endpoint is configured anywhere, or metering is switched off.

    Arguments are named as in :data:`tollspan.variables.VARIABLES` and win over ``TOLLSPAN_`` variables, these over
    OpenTelemetry's. What belongs to an endpoint, such as headers and certificates, is taken from where the endpoint
    is, so that one backend's token never goes to another.
    """
    own = bool(arguments.get("endpoint") or environ.get("TOLLSPAN_OTLP_ENDPOINT"))
    found = {variable.argument: read(variable, environ, own=own) for variable in VARIABLES}
    if unknown := sorted(set(arguments) - set(found)):
        log.error("tollspan: install() knows no %s; known: %s", ", ".join(unknown), ", ".join(found))
    found |= {name: value for name, value in arguments.items() if value is not None}
    endpoint, headers = found["endpoint"], dict(found["headers"])
    if not endpoint or not _enabled(environ, found["enabled"], own=own):
        return None
    url = _with_path(endpoint) if own else _otel_url(environ, endpoint)
    return Settings(
        url,
        headers,
        Transport(*(found[name] for name in Transport.__slots__)),
        _resource(environ),
        _spool(environ, found["spool_dir"], url, headers),
        found["spool_max_bytes"],
        frozenset(found["include_usage_hosts"]),
        tuple(host.lower() for host in found["propagate_to"]),
        (found["fingerprint_key"] or "").encode() or None,
        found["threads"],
        {pattern.lower(): provider for pattern, provider in found["hosts"].items()},
        Telemetry(*(found[name] for name in Telemetry.__slots__)),
        found["suppress_http_spans"],
        found["batch_usage"],
    )


def _enabled(environ: Mapping[str, str], said: bool | None, *, own: bool) -> bool:  # noqa: FBT001 - a setting's value
    """Tell whether to meter: as said, else unless OpenTelemetry, whose endpoint it would be, is switched off."""
    if said is not None or own:
        return said is not False
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled:
        log.warning("tollspan: OTEL_SDK_DISABLED=true: nothing is metered; TOLLSPAN_ENABLED=true would meter anyway")
    return not disabled


def _spool(environ: Mapping[str, str], given: str | None, url: str, headers: Mapping[str, str]) -> tuple[Path, ...]:
    """Return folders for one endpoint and its credentials, so that nobody's records go out under another's name."""
    whose = blake2b(repr((url, sorted(headers.items()))).encode(), digest_size=8).hexdigest()
    if given is not None:
        return (Path(given) / whose,) if given else ()
    home = environ.get("HOME")
    state = environ.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else None)
    shared = Path(environ.get("TMPDIR") or "/tmp") / f"tollspan-{whose}"  # noqa: S108 - used only when it is ours alone
    return (Path(state) / "tollspan" / whose, shared) if state else (shared,)


def _with_path(endpoint: str) -> str:
    there = endpoint if "://" in endpoint else f"http://{endpoint}"
    return there if urlsplit(there).path.endswith(TRACES_PATH) else there.rstrip("/") + TRACES_PATH


def _otel_url(environ: Mapping[str, str], endpoint: str) -> str:
    """Return the address of OTLP over HTTP that goes with OpenTelemetry's endpoint, whatever protocol that is for."""
    if "://" not in endpoint:
        insecure = _otlp(environ, "INSECURE").lower() == "true"
        endpoint = ("http://" if insecure else "https://") + endpoint
    traces = bool(environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip())
    protocol = _otlp(environ, "PROTOCOL")
    parts = urlsplit(endpoint if traces else _with_path(endpoint))
    if protocol == "grpc" and parts.port != GRPC_PORT:
        log.warning("tollspan speaks OTLP over HTTP, not grpc: if %s does not, set TOLLSPAN_OTLP_ENDPOINT", endpoint)
        parts = urlsplit(_with_path(endpoint))
    if parts.port == GRPC_PORT and not protocol.startswith("http"):
        log.warning("tollspan speaks OTLP over HTTP: using port %d of %s", HTTP_PORT, parts.hostname)
        at = (parts.hostname or "") if ":" not in (parts.hostname or "") else f"[{parts.hostname}]"
        parts = parts._replace(netloc=f"{at}:{HTTP_PORT}", path=TRACES_PATH)
    return urlunsplit(parts)


def _otlp(environ: Mapping[str, str], name: str) -> str:
    general = environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")
    return (environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or general).strip()


def _resource(environ: Mapping[str, str]) -> dict[str, str]:
    resource = pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if name := environ.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = name
    return resource
