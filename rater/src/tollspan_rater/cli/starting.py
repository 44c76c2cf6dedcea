"""The files that ``tollspan init`` writes."""

from __future__ import annotations

from importlib import resources

from tollspan_rater.config.keys import CONFIG_FILE
from tollspan_rater.config.text import SCHEMA_FILE, commented_file, json_schema


def starting_files() -> dict[str, str]:
    """Return ``{path: text}``: configuration, its schema, and the example pricing that the package carries."""
    examples = resources.files("tollspan_rater.pricing") / "examples"
    pricing = sorted(examples.iterdir(), key=lambda entry: entry.name) if examples.is_dir() else []
    return {
        CONFIG_FILE: commented_file(),
        SCHEMA_FILE: json_schema(),
        **{f"pricing/{entry.name}": entry.read_text(encoding="utf-8") for entry in pricing if entry.is_file()},
    }
