"""The group ``export``: files of rated lines, and what is handed over to billing systems."""

from __future__ import annotations

from typing import Final

import click

from tollspan_rater.cli.frame import Group

_FILES: Final = "tollspan_rater.cli.export_files"
_OUTBOX: Final = "tollspan_rater.cli.exporting"
COMMANDS: Final = {
    "check": f"{_OUTBOX}:check",
    "plan": f"{_OUTBOX}:plan",
    "run": f"{_OUTBOX}:run",
    "status": f"{_OUTBOX}:status",
    "items": f"{_OUTBOX}:items",
    "retry": f"{_OUTBOX}:retry",
    "pause": f"{_OUTBOX}:pause",
    "resume": f"{_OUTBOX}:resume",
    "reconcile": f"{_OUTBOX}:reconcile",
    "csv": f"{_FILES}:csv",
    "jsonl": f"{_FILES}:jsonl",
    "parquet": f"{_FILES}:parquet",
    "focus": f"{_FILES}:focus",
}


@click.group(cls=Group, lazy=COMMANDS)
def export() -> None:
    """Write rated lines to files, or hand amounts and usage over to a billing system."""
