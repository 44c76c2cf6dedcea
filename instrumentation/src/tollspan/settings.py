"""Where records go and what may be changed on the wire, from arguments and environment variables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from tollspan.guarded import log
from tollspan.hosts import INCLUDE_USAGE_HOSTS

TRACES_PATH = "/v1/traces"
GRPC_PORT, HTTP_PORT = 4317, 4318  # the OTLP specification's default ports
SPOOL_BYTES = 512 << 20

_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Settings:
    """``url`` is the full address that OTLP requests are posted to.

    ``spool`` are the folders for unsent records, the first that can be written to is used; they hold ``spool_bytes``
    at most. None: records wait in memory.
    ``propagate_to`` are patterns of hosts that may get attribution as Baggage, ``fingerprint_key`` the secret under
    which requests are fingerprinted, ``threads`` tells whether threads started by hand are carried into.
    ``hosts`` maps patterns of hosts to the providers behind them.
    """

    url: str
    headers: Mapping[str, str]
    include_usage_hosts: frozenset[str]
    resource: Mapping[str, str]
    spool: tuple[Path, ...] = ()
    spool_bytes: int = SPOOL_BYTES
    propagate_to: tuple[str, ...] = ()
    fingerprint_key: bytes | None = field(default=None, repr=False)
    threads: bool = False
    hosts: Mapping[str, str] = field(default_factory=dict)


def resolve(
    environ: Mapping[str, str],
    *,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    include_usage_hosts: Collection[str] | None = None,
    propagate_to: Collection[str] | None = None,
    fingerprint_key: str | None = None,
    threads: bool | None = None,
    hosts: Mapping[str, str] | None = None,
) -> Settings | None:
    """Find the settings; ``None`` when no endpoint is configured anywhere.

    Arguments win over ``TOLLSPAN_OTLP_*``, these over the OpenTelemetry variables. Headers belong to the
    endpoint they stand beside, so that one backend's token never goes to another.
    """
    own = endpoint or environ.get("TOLLSPAN_OTLP_ENDPOINT")
    found = _pairs(environ.get("TOLLSPAN_OTLP_HEADERS", "")) if own else _otel_headers(environ)
    url = _with_path(own) if own else _otel_url(environ)
    if not url:
        return None
    asked = _include_usage_hosts(environ) if include_usage_hosts is None else frozenset(include_usage_hosts)
    named = _pairs(environ.get("TOLLSPAN_HOSTS", "")) if hosts is None else hosts
    sent = dict(found if headers is None else headers)
    listed = _listed(environ.get("TOLLSPAN_PROPAGATE_TO", "")) if propagate_to is None else propagate_to
    key = fingerprint_key or environ.get("TOLLSPAN_FINGERPRINT_KEY") or ""
    return Settings(
        url,
        sent,
        asked,
        _resource(environ),
        _spool(environ, url, sent),
        _spool_bytes(environ),
        propagate_to=tuple(host.lower() for host in listed),
        fingerprint_key=key.encode() or None,
        threads=environ.get("TOLLSPAN_THREADS", "").lower() in _YES if threads is None else threads,
        hosts={pattern.lower(): provider for pattern, provider in named.items()},
    )


def _spool(environ: Mapping[str, str], url: str, headers: Mapping[str, str]) -> tuple[Path, ...]:
    """Return folders for one endpoint and its credentials, so that nobody's records go out under another's name."""
    whose = blake2b(repr((url, sorted(headers.items()))).encode(), digest_size=8).hexdigest()
    given = environ.get("TOLLSPAN_SPOOL_DIR")
    if given is not None:
        return (Path(given) / whose,) if given else ()
    home = environ.get("HOME")
    state = environ.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else None)
    shared = Path(environ.get("TMPDIR") or "/tmp") / f"tollspan-{whose}"  # noqa: S108 - used only when it is ours alone
    return (Path(state) / "tollspan" / whose, shared) if state else (shared,)


def _spool_bytes(environ: Mapping[str, str]) -> int:
    given = environ.get("TOLLSPAN_SPOOL_MAX_BYTES", "")
    if given and not given.isdecimal():
        log.error("tollspan: TOLLSPAN_SPOOL_MAX_BYTES=%s is no number of bytes; using %d", given, SPOOL_BYTES)
    return int(given) if given.isdecimal() else SPOOL_BYTES


def _with_path(endpoint: str) -> str:
    return endpoint if urlsplit(endpoint).path.endswith(TRACES_PATH) else endpoint.rstrip("/") + TRACES_PATH


def _otel_url(environ: Mapping[str, str]) -> str | None:
    traces, base = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not traces and not base:
        return None
    parts = urlsplit(traces or _with_path(base or ""))
    if parts.port == GRPC_PORT:
        log.warning("tollspan speaks OTLP over HTTP: using port %d of %s", HTTP_PORT, parts.hostname)
        at = (parts.hostname or "") if ":" not in (parts.hostname or "") else f"[{parts.hostname}]"
        parts = parts._replace(netloc=f"{at}:{HTTP_PORT}", path=TRACES_PATH)
    return urlunsplit(parts)


def _otel_headers(environ: Mapping[str, str]) -> dict[str, str]:
    general = environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    return _pairs(environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS", general))


def _include_usage_hosts(environ: Mapping[str, str]) -> frozenset[str]:
    given = environ.get("TOLLSPAN_INCLUDE_USAGE_HOSTS")
    if given is None:
        return INCLUDE_USAGE_HOSTS
    return frozenset(_listed(given))


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _resource(environ: Mapping[str, str]) -> dict[str, str]:
    resource = _pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if name := environ.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = name
    return resource


def _pairs(text: str) -> dict[str, str]:
    pairs = (item.split("=", 1) for item in text.split(",") if "=" in item)
    return {unquote(key.strip()): unquote(value.strip()) for key, value in pairs}
