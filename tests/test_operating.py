"""The pages for those who operate tollspan: commands that exist, sentences that are said, links that lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from tollspan_rater.cli.main import main

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs/operating").glob("*.md"))
TEXT = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
BLOCKS = [line for text in TEXT.values() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
          for line in block.splitlines()]  # fmt: skip
SPANS = [span for text in TEXT.values() for span in re.findall(r"`([^`\n]+)`", text)]
COMMANDS = sorted({line for line in [*BLOCKS, *SPANS] if re.match(r"tollspan [a-z]", line) and ": " not in line})
SOURCE = "".join(
    re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "rater/src/tollspan_rater").rglob("*.py"))
)
OF_GRPC = {"Received message larger than max"}
SAID = [
    sentence
    for row in re.findall(r"^\| (`[^|]+`(?: \(exit 3\))?) \|", TEXT["troubleshooting.md"], re.MULTILINE)
    for sentence in re.findall(r"`([^`]+)`", row)
]


def options_of(command: click.Command) -> set[str]:
    return {name for param in command.params for name in [*param.opts, *param.secondary_opts]}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_and_its_options_exist(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0])[1:]
    command: click.Command = main
    known = options_of(main)
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        found = command.get_command(click.Context(command), word)
        assert found is not None, word
        command = found
        known |= options_of(command)
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert given <= known | {"--data", "--tenant", "--format", "--config"}


@pytest.mark.parametrize("sentence", [one for one in SAID if one not in OF_GRPC])
def test_what_the_page_quotes_is_what_is_said(sentence: str) -> None:
    assert sentence in SOURCE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT[page.name]):
        assert (page.parent / target).exists(), target
