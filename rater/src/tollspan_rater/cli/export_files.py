"""Commands that write rated lines to a folder of files: ``export csv``, ``jsonl``, ``parquet``, ``focus``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from tollspan_rater.cli.door import open_door
from tollspan_rater.cli.frame import example
from tollspan_rater.errors import UsageError
from tollspan_rater.query.questions import question

_TITLES: Final = {"csv": "CSV", "jsonl": "JSON lines", "parquet": "Parquet", "focus": "FOCUS 1.2"}
_PROVIDER: Final = click.option(
    "--provider", metavar="TEXT", help="Who sells, as FOCUS wants it on every row; default is the tenant's name."
)


def writing(kind: str) -> click.Command:
    """Make the command that writes one kind of file."""

    @click.command(
        kind,
        help=f"Write rated lines as {_TITLES[kind]} and a manifest with their sums and digest into a new folder.\n\n"
        + example(f"tollspan export {kind} --period 2026-11 --out november"),
        short_help=f"Write rated lines as {_TITLES[kind]}.",
    )
    @click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The new folder.")
    @click.option(
        "--period", metavar="PERIOD", help="The period, for example 2026-11 or 2026-W47; default is the running one."
    )
    @click.option("--customer", metavar="TEXT", help="Only this customer.")
    @click.pass_context
    def write(context: click.Context, /, out: Path, provider: str | None = None, **given: str | None) -> None:
        _write(context, kind, out, provider, {name: [value] for name, value in given.items() if value is not None})

    return _PROVIDER(write) if kind == "focus" else write


def _write(context: click.Context, kind: str, out: Path, provider: str | None, asked: dict[str, list[str]]) -> None:
    """Ask for the lines, then write the folder, which is there whole or not at all."""
    from tollspan_rater.export.files.folder import MANIFEST, write_folder
    from tollspan_rater.export.files.snapshot import snapshot
    from tollspan_rater.export.manifest import manifest

    if out.exists():
        raise UsageError(f"{out} exists; an export is written once: give a new folder")
    params = question("lines").read(asked)
    with open_door(context) as (rater, config):
        answer = rater.ask("lines", params, tenant=config.tenant)
    name, content = snapshot(kind, answer, {"provider": provider or config.tenant})
    said = json.dumps(manifest(answer, name, content), indent=2, ensure_ascii=False) + "\n"
    write_folder(out, {name: content, MANIFEST: said.encode()})
    click.echo(f"{len(answer.rows)} lines as of position {answer.as_of} in {out / name}; sums in {out / MANIFEST}")


csv, jsonl, parquet, focus = (writing(kind) for kind in _TITLES)
