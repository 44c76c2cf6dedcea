"""The instrumented side: what an application that starts with these variables would find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Final

from tollspan.status import status
from tollspan_rater.doctor.finding import Finding, ok, problem, warning

GROUP: Final = "opentelemetry_instrumentor"
EXPORTERS: Final = {
    "OTEL_TRACES_EXPORTER": "opentelemetry_traces_exporter",
    "OTEL_METRICS_EXPORTER": "opentelemetry_metrics_exporter",
    "OTEL_LOGS_EXPORTER": "opentelemetry_logs_exporter",
}
Environ = Mapping[str, str]
_REMEDIES: Final = {
    "metering": "Set TOLLSPAN_OTLP_ENDPOINT to the Collector, for example http://127.0.0.1:14318.",
    "endpoint": "Start what should answer there, or correct TOLLSPAN_OTLP_ENDPOINT and TOLLSPAN_OTLP_HEADERS.",
    "unsent": "Set TOLLSPAN_SPOOL_DIR to a folder that this user owns.",
}


def metering(environ: Environ) -> Iterator[Finding]:
    """Look whether metering is on, its endpoint answers, and its files can be kept."""
    for line in status(environ):
        said = f"{line.what}: {line.found}"
        yield ok(said) if line.fine else problem(said, _REMEDIES[line.what])


def loading(environ: Environ) -> Iterator[Finding]:
    """Look whether ``opentelemetry-instrument`` would load the instrumentation."""
    if not any(entry.name == "tollspan" for entry in entry_points(group=GROUP)):
        yield problem("opentelemetry-instrument does not know tollspan here", "pip install ./instrumentation")
    off = environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")
    if "tollspan" in (name.strip() for name in off):
        yield problem("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names tollspan", "Take it out of the list.")
    missing = [
        f"{variable}={name}"
        for variable, group in EXPORTERS.items()
        for name in environ.get(variable, "otlp").split(",")
        if name.strip() not in {"none", *(entry.name for entry in entry_points(group=group))}
    ]
    if missing:
        yield warning(
            f"opentelemetry-instrument would load nothing: no such exporter is installed: {', '.join(missing)}",
            f"Set {', '.join(item.partition('=')[0] for item in missing)} to none, or install the exporter; "
            "import tollspan.auto does not need them.",
        )
    else:
        yield ok("opentelemetry-instrument can load all that it is set to use")


APPLICATION: Final[tuple[tuple[str, str, Callable[[Environ], Iterator[Finding]]], ...]] = (
    ("metering", "Would an application with these variables be metered?", metering),
    ("loading", "Would opentelemetry-instrument load the instrumentation?", loading),
)
