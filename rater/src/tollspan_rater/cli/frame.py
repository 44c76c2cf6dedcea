"""What all commands share: the global options, the configuration, the exit codes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from tollspan_rater.errors import FolderBusyError, TollspanError

DIFFERENCE, UNUSABLE, BUSY = 1, 2, 3  # exit codes beside 0
FORMATS: Final = ("table", "json", "jsonl", "csv", "html")
_FLAGS: Final = "tollspan_rater.flags"
C = TypeVar("C", bound=click.Command)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the global options say. ``flags`` are configuration keys with their values."""

    flags: Mapping[str, Any]
    format: str = "table"
    config: Path | None = None
    no_color: bool = False


def wishes(context: click.Context) -> Wishes:
    """Return the global options of a command line, given before or after the command's name."""
    given: dict[str, Any] = dict(context.meta.get(_FLAGS, {}))
    return Wishes(
        flags={key: given[key] for key in ("data", "tenant") if key in given},
        format=given.get("format", "table"),
        config=Path(given["config"]) if "config" in given else None,
        no_color=bool(given.get("no_color")) or bool(os.environ.get("NO_COLOR")),
    )


def _keep(context: click.Context, option: click.Parameter, value: object) -> None:
    if value:
        context.meta.setdefault(_FLAGS, {})[option.name] = value


def _global_options() -> list[click.Option]:
    return [
        click.Option(
            ["--data"], metavar="DIR", help="Data folder; env TOLLSPAN_DATA; default ./.tollspan.",
            expose_value=False, callback=_keep,
        ),
        click.Option(
            ["--tenant"], metavar="NAME", help="Tenant; env TOLLSPAN_TENANT; default 'default'.",
            expose_value=False, callback=_keep,
        ),
        click.Option(
            ["--format"], type=click.Choice(FORMATS), help="Output format; json is one array; default table.",
            expose_value=False, callback=_keep,
        ),
        click.Option(
            ["--config"], metavar="FILE", help="Configuration; env TOLLSPAN_CONFIG; default ./tollspan.yaml.",
            expose_value=False, callback=_keep,
        ),
        click.Option(["--no-color"], is_flag=True, help="No colours, also on a terminal.",
                     expose_value=False, callback=_keep),
    ]  # fmt: skip


def framed(command: C) -> C:
    """Give a command the global options, so that they may stand after its name too."""
    taken = {option for param in command.params for option in param.opts}
    command.params += [option for option in _global_options() if not taken.intersection(option.opts)]
    return command


class Group(click.Group):
    """A group whose members take the global options and may be loaded when they are asked for.

    ``lazy`` maps a name to ``module:attribute``.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy or {})
        framed(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name all members, in the order of their making."""
        return [*self._lazy, *(name for name in self.commands if name not in self._lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a member, loading its module if need be."""
        if cmd_name in self._lazy and cmd_name not in self.commands:
            module, _, attribute = self._lazy[cmd_name].partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return super().get_command(ctx, cmd_name)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a member and give it the global options."""
        super().add_command(framed(cmd), name)


class Main(Group):
    """The outermost group: turns tollspan's errors into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a ``TollspanError`` becomes a line on stderr, never a traceback."""
        try:
            return super().invoke(ctx)
        except TollspanError as error:
            click.echo(f"tollspan: {' '.join(str(error).split())}", err=True)
            ctx.exit(BUSY if isinstance(error, FolderBusyError) else UNUSABLE)


def example(line: str) -> str:
    r"""Return the end of a help text that shows a command line; ``\b`` keeps click from wrapping it."""
    return f"\b\nExample:\n  {line}"
