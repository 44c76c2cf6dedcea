"""Commands that write rated lines to a folder of files: ``export csv``, ``export jsonl``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tollspan_rater.cli.door import open_door
from tollspan_rater.cli.frame import example
from tollspan_rater.errors import UsageError
from tollspan_rater.query.questions import question
from tollspan_rater.query.render import MACHINE_FORMATS

MANIFEST_FILE = "manifest.json"


def writing(kind: str) -> click.Command:
    """Make the command that writes one format of file."""

    @click.command(
        kind,
        help=f"Write rated lines as {kind} and a manifest with their sums and digest into a new folder.\n\n"
        + example(f"tollspan export {kind} --period 2026-11 --out november"),
        short_help=f"Write rated lines as {kind}.",
    )
    @click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The new folder.")
    @click.option(
        "--period", metavar="PERIOD", help="The period, for example 2026-11 or 2026-W47; default is the running one."
    )
    @click.option("--customer", metavar="TEXT", help="Only this customer.")
    @click.pass_context
    def write(context: click.Context, /, out: Path, **given: str | None) -> None:
        _write(context, kind, out, {name: [value] for name, value in given.items() if value is not None})

    return write


def _write(context: click.Context, kind: str, out: Path, asked: dict[str, list[str]]) -> None:
    """Ask for the lines, write them, then the manifest, which makes the export whole."""
    from tollspan_rater.export.manifest import manifest

    if out.exists():
        raise UsageError(f"{out} exists; an export is written once: give a new folder")
    params = question("lines").read(asked)
    with open_door(context) as (rater, config):
        answer = rater.ask("lines", params, tenant=config.tenant)
    content = MACHINE_FORMATS[kind](answer).encode()
    name = f"lines.{kind}"
    out.mkdir(parents=True)
    (out / name).write_bytes(content)
    said = manifest(answer, name, content)
    (out / MANIFEST_FILE).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(f"{len(answer.rows)} lines as of position {answer.as_of} in {out / name}; sums in {out / MANIFEST_FILE}")


csv, jsonl = writing("csv"), writing("jsonl")
