"""The files that ``tollspan init`` writes."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

from tollspan_rater.config.keys import CONFIG_FILE
from tollspan_rater.config.text import SCHEMA_FILE, commented_file, json_schema


def starting_files() -> dict[str, str]:
    """Return ``{path: text}``: configuration, its schema, and the example pricing that the package carries."""
    examples = resources.files("tollspan_rater.pricing") / "examples"
    return {
        CONFIG_FILE: commented_file(),
        SCHEMA_FILE: json_schema(),
        **(_texts(examples, "pricing/") if examples.is_dir() else {}),
    }


def _texts(folder: Traversable, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found.update(_texts(entry, f"{prefix}{entry.name}/"))
        else:
            found[prefix + entry.name] = entry.read_text(encoding="utf-8")
    return found
