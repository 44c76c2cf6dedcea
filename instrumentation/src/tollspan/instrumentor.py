"""Entry point for ``opentelemetry-instrument``: zero code, one switch."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined] # no py.typed

from tollspan import runtime
from tollspan.variables import VARIABLES

ARGUMENTS: Final = frozenset(variable.argument for variable in VARIABLES)


class TollspanInstrumentor(BaseInstrumentor):  # type: ignore[misc] # typed as Any by its package
    """Starts and stops tollspan as OpenTelemetry's tools expect."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return no requirement: libraries that are absent are simply not hooked."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        runtime.install(**{name: value for name, value in kwargs.items() if name in ARGUMENTS})

    def _uninstrument(self, **_kwargs: Any) -> None:
        runtime.uninstall()
