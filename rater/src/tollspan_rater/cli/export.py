"""The command ``export``."""

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


@click.command(
    help="Write rated lines and a manifest with their sums and digest into a new folder.\n\n"
    + example("tollspan export csv --period 2026-11 --out november")
)
@click.argument("kind", metavar="csv|jsonl", type=click.Choice(["csv", "jsonl"]))
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The new folder.")
@click.option(
    "--period", metavar="PERIOD", help="The period, for example 2026-11 or 2026-W47; default is the running one."
)
@click.option("--customer", metavar="TEXT", help="Only this customer.")
@click.pass_context
def export(context: click.Context, /, kind: str, out: Path, **given: str | None) -> None:
    """Ask for the lines, write them, then the manifest, which makes the export whole."""
    from tollspan_rater.export.manifest import manifest

    if out.exists():
        raise UsageError(f"{out} exists; an export is written once: give a new folder")
    params = question("lines").read({name: [value] for name, value in given.items() if value is not None})
    with open_door(context) as (rater, config):
        answer = rater.ask("lines", params, tenant=config.tenant)
    content = MACHINE_FORMATS[kind](answer).encode()
    name = f"lines.{kind}"
    out.mkdir(parents=True)
    (out / name).write_bytes(content)
    said = manifest(answer, name, content)
    (out / MANIFEST_FILE).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(f"{len(answer.rows)} lines as of position {answer.as_of} in {out / name}; sums in {out / MANIFEST_FILE}")
