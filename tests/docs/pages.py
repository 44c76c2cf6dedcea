"""The Markdown pages of the repository as tests read them: code blocks, commands, links."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
BINARY: Final = (".png", ".gz", ".zst", ".pb", ".lock")
DATA: Final = "tests/data/"

_FENCE: Final = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`(tollspan [^`]+)`")
_LINK: Final = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_COMMAND: Final = re.compile(r"\btollspan (?P<line>.*)")


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def tracked() -> list[Path]:
    """Return the text files that git knows, without recorded data and lock files."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.splitlines() if not name.endswith(BINARY) and not name.startswith(DATA)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def pages() -> list[Path]:
    return sorted(path for path in tracked() if path.suffix == ".md")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(found["language"], found["text"]) for found in _FENCE.finditer(text)]


@dataclass(frozen=True)
class Typed:
    """A command line; a ``mention`` only names a command, in the middle of a sentence."""

    arguments: tuple[str, ...]
    mention: bool


def commands(text: str) -> Iterator[Typed]:
    """Yield each ``tollspan`` command: inline, in shell blocks, after a prompt, in the examples of help texts."""
    for found in _INLINE.finditer(_FENCE.sub("", text)):
        yield Typed(tuple(shlex.split(found[1])[1:]), mention=True)
    for block in blocks(text):
        for line in block.text.splitlines():
            if found := _COMMAND.search(_typed(block.language, line)):
                yield Typed(tuple(shlex.split(found["line"], comments=True)), mention=False)


def _typed(language: str, line: str) -> str:
    starts = {"console": "$ ", "sh": "", "text": "    tollspan "}
    start = starts.get(language)
    return line if start is not None and line.startswith(start) else ""


def links(text: str) -> list[str]:
    outside = _FENCE.sub("", text)
    return [target for target in _LINK.findall(outside) if not target.startswith(("http://", "https://", "mailto:"))]
