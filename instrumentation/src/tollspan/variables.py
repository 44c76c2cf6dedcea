"""The environment variables of the instrumentation: one row each, which code and documentation read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict
from urllib.parse import unquote

from tollspan.guarded import log
from tollspan.hosts import INCLUDE_USAGE_HOSTS
from tollspan.semconv import BatchUsage

SPOOL_BYTES: Final = 512 << 20
TIMEOUT_SECONDS: Final = 10.0

Compression = Literal["gzip", "none"]


class Arguments(TypedDict, total=False):
    """What ``install`` takes beside the endpoint, each in place of a variable; ``None`` leaves it to that."""

    headers: Mapping[str, str] | None
    timeout: float | None
    compression: Compression | None
    certificate: str | None
    client_certificate: str | None
    client_key: str | None
    enabled: bool | None
    spool_dir: str | None
    spool_max_bytes: int | None
    include_usage_hosts: Collection[str] | None
    threads: bool | None
    propagate_to: Collection[str] | None
    fingerprint_key: str | None
    hosts: Mapping[str, str] | None
    stamp_spans: bool | Literal["all"] | None
    copy_to_span: bool | None
    metrics: bool | None
    suppress_http_spans: bool | None
    batch_usage: BatchUsage | None


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting. ``argument`` is its name as an argument of ``install``; ``shown`` its default, in words.

    ``read`` makes the value of a text, and raises ``ValueError`` with what it should be. ``otel`` are OpenTelemetry's
    variables of the same meaning, the first one that is set counts; they are read in place of ours where the endpoint
    is OpenTelemetry's, so that nothing that belongs to one endpoint goes to another. An empty text counts as unset
    unless ``may_be_empty``.
    """

    name: str
    argument: str
    read: Callable[[str], Any]
    default: Any
    shown: str
    meaning: str
    otel: tuple[str, ...] = ()
    may_be_empty: bool = False


def texts(text: str) -> tuple[str, ...]:
    """Read ``a, b``."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def pairs(text: str) -> dict[str, str]:
    """Read ``a=b,c=d``, percent-encoded."""
    found = (item.split("=", 1) for item in text.split(",") if "=" in item)
    return {unquote(key.strip()): unquote(value.strip()) for key, value in found}


def truth(text: str) -> bool:
    """Read a switch."""
    found = _SWITCH.get(text.strip().lower())
    if found is None:
        raise ValueError("true or false")
    return found


def _stamped(text: str) -> bool | Literal["all"]:
    try:
        return "all" if text.lower() == "all" else truth(text)
    except ValueError:
        raise ValueError("true, false or all") from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a whole number of bytes")
    return int(text)


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ValueError("a number of seconds above 0")
    return found


def _compression(text: str) -> Compression:
    found: dict[str, Compression] = {"gzip": "gzip", "none": "none"}
    if text.lower() not in found:
        raise ValueError("gzip or none")
    return found[text.lower()]


def _batch_usage(text: str) -> BatchUsage:
    found: dict[str, BatchUsage] = {"lines": "lines", "total": "total"}
    if text.lower() not in found:
        raise ValueError("lines or total")
    return found[text.lower()]


_SWITCH: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


def _otlp(name: str) -> tuple[str, ...]:
    return f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}"


VARIABLES: Final = (
    Variable(
        "TOLLSPAN_OTLP_ENDPOINT", "endpoint", str, None, "none: nothing is hooked",
        "Base address that records are sent to, OTLP over HTTP; `/v1/traces` is added.", _otlp("ENDPOINT"),
    ),
    Variable(
        "TOLLSPAN_OTLP_HEADERS", "headers", pairs, {}, "none",
        "Headers of each request, `key=value,key=value`, percent-encoded.", _otlp("HEADERS"),
    ),
    Variable(
        "TOLLSPAN_OTLP_TIMEOUT", "timeout", _seconds, TIMEOUT_SECONDS, "10",
        "Seconds that a request may take.", _otlp("TIMEOUT"),
    ),
    Variable(
        "TOLLSPAN_OTLP_COMPRESSION", "compression", _compression, "gzip", "`gzip`",
        "`gzip` or `none`.", _otlp("COMPRESSION"),
    ),
    Variable(
        "TOLLSPAN_OTLP_CERTIFICATE", "certificate", str, None, "those of the system",
        "PEM file of the authorities that the endpoint's certificate may come from.", _otlp("CERTIFICATE"),
    ),
    Variable(
        "TOLLSPAN_OTLP_CLIENT_CERTIFICATE", "client_certificate", str, None, "none",
        "PEM file of the certificate that the endpoint asks for.", _otlp("CLIENT_CERTIFICATE"),
    ),
    Variable(
        "TOLLSPAN_OTLP_CLIENT_KEY", "client_key", str, None, "none",
        "PEM file of that certificate's key.", _otlp("CLIENT_KEY"),
    ),
    Variable(
        "TOLLSPAN_ENABLED", "enabled", truth, None, "yes, see below",
        "`false`: nothing is hooked, whatever else is set. `true`: also where `OTEL_SDK_DISABLED` says no.",
    ),
    Variable(
        "TOLLSPAN_SPOOL_DIR", "spool_dir", str, None, "see below",
        "Folder for unsent records; empty: they wait in memory only.", may_be_empty=True,
    ),
    Variable(
        "TOLLSPAN_SPOOL_MAX_BYTES", "spool_max_bytes", _count, SPOOL_BYTES, "512 MiB",
        "How many bytes of unsent records for one endpoint, about.",
    ),
    Variable(
        "TOLLSPAN_INCLUDE_USAGE_HOSTS", "include_usage_hosts", texts, tuple(sorted(INCLUDE_USAGE_HOSTS)),
        f"`{','.join(sorted(INCLUDE_USAGE_HOSTS))}`",
        "Hosts whose OpenAI chat streams are asked for usage, comma-separated; empty: none.", may_be_empty=True,
    ),
    Variable(
        "TOLLSPAN_THREADS", "threads", truth, default=False, shown="`false`",
        meaning="`true`: attribution goes into threads started by hand too.",
    ),
    Variable(
        "TOLLSPAN_PROPAGATE_TO", "propagate_to", texts, (), "none",
        "Patterns of hosts, such as `*.internal`, that get attribution as W3C Baggage, comma-separated.",
    ),
    Variable(
        "TOLLSPAN_HOSTS", "hosts", pairs, {}, "none",
        "Providers behind hosts of your own, `pattern=provider,pattern=provider`, such as `*.llm.internal=vllm`.",
    ),
    Variable(
        "TOLLSPAN_BATCH_USAGE", "batch_usage", _batch_usage, "lines", "`lines`",
        "OpenAI batches are metered by the `lines` of their output files, each a call, or by the `total` of the batch; "
        "the same for all processes.",
    ),
    Variable(
        "TOLLSPAN_FINGERPRINT_KEY", "fingerprint_key", str, None, "none: no fingerprints",
        "The secret under which requests are fingerprinted.",
    ),
    Variable(
        "TOLLSPAN_STAMP_SPANS", "stamp_spans", _stamped, default=False, shown="`false`",
        meaning="`true`: LLM spans of other instrumentations get the attribution in force; `all`: every span does.",
    ),
    Variable(
        "TOLLSPAN_COPY_TO_SPAN", "copy_to_span", truth, default=False, shown="`false`",
        meaning="`true`: the span that is active when a call is made gets what its calls used, as `tollspan.span.*`.",
    ),
    Variable(
        "TOLLSPAN_METRICS", "metrics", truth, default=False, shown="`false`",
        meaning="`true`: `gen_ai.client.token.usage` and `gen_ai.client.operation.duration`, without customers.",
    ),
    Variable(
        "TOLLSPAN_SUPPRESS_HTTP_SPANS", "suppress_http_spans", truth, default=False, shown="`false`",
        meaning="`true`: OpenTelemetry's instrumentations of HTTP libraries make no span of a call that is metered.",
    ),
)  # fmt: skip

# What else is looked at: variables of others, and what they do here.
OTHERS: Final[Mapping[str, str]] = {
    "OTEL_SERVICE_NAME": "`service.name` of the records' resource.",
    "OTEL_RESOURCE_ATTRIBUTES": "The other attributes of that resource.",
    "OTEL_SDK_DISABLED": (
        "`true`: nothing is metered where only OpenTelemetry's variables name an endpoint, and a warning says so. "
        "Where `TOLLSPAN_OTLP_ENDPOINT`, `install(endpoint=...)` or `TOLLSPAN_ENABLED=true` asks for it, it goes on; "
        "traces stop in any case."
    ),
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": (
        "`grpc` is not spoken here: of an endpoint at port 4317 port 4318 is used, at any other port a warning asks "
        "for `TOLLSPAN_OTLP_ENDPOINT`. `http/json` is answered with protobuf, which receivers of one take too."
    ),
    "OTEL_EXPORTER_OTLP_PROTOCOL": "The same, where the former is not set.",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "`true`: an endpoint without a scheme is `http://`, else `https://`.",
    "OTEL_EXPORTER_OTLP_INSECURE": "The same, where the former is not set.",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": (
        "With `tollspan` among the names, `opentelemetry-instrument` leaves it out."
    ),
    "XDG_STATE_HOME": "Its folder `tollspan` holds unsent records where `TOLLSPAN_SPOOL_DIR` is not set.",
    "HOME": "Its `.local/state/tollspan` does, where that is not set either.",
    "TMPDIR": "Its `tollspan-...` does, else one in `/tmp`, where none of the former can be written to.",
}


def read(variable: Variable, environ: Mapping[str, str], *, own: bool) -> Any:
    """Return a variable's value; what cannot be read is logged and counts as unset. ``own``: the endpoint is ours."""
    names = (variable.name,) if own or not variable.otel else variable.otel
    for name in names:
        text = environ.get(name)
        if text is None or (not text.strip() and not variable.may_be_empty):
            continue
        try:
            return variable.read(text.strip())
        except ValueError as wanted:
            log.error("tollspan: %s=%s should be %s; using %s", name, text, wanted, variable.shown)
            return variable.default
    return variable.default
