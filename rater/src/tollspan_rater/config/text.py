"""The configuration as text: a commented file to start from, its JSON Schema, its reference page."""

from __future__ import annotations

import json
from typing import Final

from tollspan_rater.config.keys import KEYS, Key, section_help
from tollspan_rater.config.model import Config

SCHEMA_FILE: Final = "tollspan.schema.json"


def commented_file() -> str:
    """Return a ``tollspan.yaml`` with every key, its meaning and its default, all commented out."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        "# tollspan: every key with its default. Take the # away to change one.",
        "# A flag wins over TOLLSPAN_... in the environment, which wins over this file.",
    ]
    section = ""
    for key in KEYS.values():
        head, _, leaf = key.name.rpartition(".")
        if head != section:
            section = head
            lines += ["", f"# {section_help(head)}", f"# {head}:"]
        indent = "  " if head else ""
        lines += [f"# {indent}# {key.help}", f"# {indent}{leaf}: {_shown(key)}".rstrip()]
    return "\n".join(lines) + "\n"


def json_schema() -> str:
    """Return the JSON Schema of ``tollspan.yaml``, for editors."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


def reference() -> str:
    """Return the reference page of all keys in Markdown."""
    lines = [
        "# Configuration",
        "",
        "A flag wins over an environment variable, which wins over `tollspan.yaml`, which wins over the default.",
        "`tollspan init` writes the file and its JSON Schema, `tollspan config show` prints each value in force",
        "and where it came from. An unknown key is refused.",
        "",
        "| key | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{key.name}` | `{key.variable}` | {_cell(key)} | {key.help} |" for key in KEYS.values()]
    return "\n".join(lines) + "\n"


def _shown(key: Key) -> str:
    return "" if key.default is None else json.dumps(key.default) if isinstance(key.default, bool) else str(key.default)


def _cell(key: Key) -> str:
    return f"`{_shown(key)}`" if key.default is not None else "none"
