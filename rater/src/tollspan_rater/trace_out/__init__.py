"""Money in traces: a span with cost, charge and margin below the span of each call, to any OTLP endpoint."""
