"""The demo's price list: the files that are applied, and the same as plain documents for the second reading."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml


def texts() -> dict[str, str]:
    """Return the demo's rate cards and plans as ``{file name: text}``."""
    folder = resources.files("tollspan_rater.demo") / "pricing"
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")}


def documents(files: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the documents of price files as plain mappings whose numbers are still text."""
    return [document for text in files.values() for document in yaml.load_all(text, Loader=yaml.BaseLoader)]
