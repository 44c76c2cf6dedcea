"""The reference pages that are made from the code; ``python -m tollspan_rater.cli.reference [DIR]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tollspan_rater.api import reference as api_reference
from tollspan_rater.cli import (
    dialects,
    event_pages,
    instrumentation_settings,
    instrumented_apis,
    provider_tables,
    store_tables,
    wire_contract,
)
from tollspan_rater.cli.main import main
from tollspan_rater.config import text as config_text

WIDTH = 100
_HEAD = """# Command line

Every command takes the global options `--data`, `--tenant`, `--format`, `--config` and `--no-color`, before or after
its name. Exit codes: 0 fine, 1 the audit or a check found something, 2 cannot be used, 3 the folder is busy.
"""


def pages() -> dict[str, str]:
    """Return ``{file name: Markdown}`` of all generated pages."""
    return {
        "cli.md": command_line(),
        "configuration.md": config_text.reference(),
        "api.md": api_reference.reference(),
        "wire-contract.md": wire_contract.page(),
        "store.md": store_tables.page(),
        "dialects.md": dialects.page(),
        "providers.md": provider_tables.page(),
        "events.md": event_pages.page(),
        "instrumentation-settings.md": instrumentation_settings.page(),
        "instrumented-apis.md": instrumented_apis.page(),
        event_pages.SCHEMA_FILE: event_pages.schema_text(),
    }


def command_line() -> str:
    """Return the help texts of all commands."""
    return _HEAD + "".join(f"\n## {path}\n\n```text\n{help_text}\n```\n" for path, _command, help_text in commands())


def commands() -> Iterator[tuple[str, click.Command, str]]:
    """Yield path, command and help text of every command, parents first."""
    yield from _walk(main, "tollspan", None)


def _walk(command: click.Command, path: str, parent: click.Context | None) -> Iterator[tuple[str, click.Command, str]]:
    context = click.Context(
        command, parent, info_name=path.rpartition(" ")[2], terminal_width=WIDTH, help_option_names=["-h", "--help"]
    )
    yield path, command, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            member = command.get_command(context, name)
            if member is not None:
                yield from _walk(member, f"{path} {name}", context)


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        (folder / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
