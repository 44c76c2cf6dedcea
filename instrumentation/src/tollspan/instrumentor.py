"""Entry point for ``opentelemetry-instrument``: zero code, one switch."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined] # no py.typed

from tollspan import runtime


class TollspanInstrumentor(BaseInstrumentor):  # type: ignore[misc] # typed as Any by its package
    """Starts and stops tollspan as OpenTelemetry's tools expect."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return no requirement: libraries that are absent are simply not hooked."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        runtime.install(
            endpoint=kwargs.get("endpoint"),
            headers=kwargs.get("headers"),
            include_usage_hosts=kwargs.get("include_usage_hosts"),
            propagate_to=kwargs.get("propagate_to"),
            fingerprint_key=kwargs.get("fingerprint_key"),
            threads=kwargs.get("threads"),
        )

    def _uninstrument(self, **_kwargs: Any) -> None:
        runtime.uninstall()
