"""The reference page of the instrumentation's settings, made from the table of its environment variables."""

from __future__ import annotations

from typing import Final

from tollspan.variables import OTHERS, VARIABLES

_HEAD: Final = """# Settings of the instrumentation

All of them can be set where the application starts, without a change of code; `tollspan.install()` takes the same ones
as arguments, which win. [What the instrumentation does](../../instrumentation/README.md) stands elsewhere.

| variable | argument of `install` | OpenTelemetry's | default | meaning |
|---|---|---|---|---|
"""
_TAIL: Final = """
OpenTelemetry's variables are read where `TOLLSPAN_OTLP_ENDPOINT` is not set and `install` gets no endpoint, and then in
place of ours: headers, certificates and the rest belong to the endpoint that they stand beside. A value that cannot be
read is logged as an error, and the default is used. Timeouts are seconds, as in OpenTelemetry's Python exporters.

## Variables of others

| variable | what it does here |
|---|---|
"""


def page() -> str:
    """Return the page in Markdown."""
    rows = (
        f"| `{one.name}` | `{one.argument}` | {', '.join(f'`{name}`' for name in one.otel)} | {one.shown} "
        f"| {one.meaning} |\n"
        for one in VARIABLES
    )
    others = (f"| `{name}` | {meaning} |\n" for name, meaning in OTHERS.items())
    return _HEAD + "".join(rows) + _TAIL + "".join(others)
