"""A Collector's configuration as it sees it itself: files merged in their order, variables filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tollspan_rater.errors import UsageError

_VARIABLE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}")


def read(paths: Sequence[Path], env: Mapping[str, str]) -> dict[str, Any]:
    """Merge configuration files as the Collector does: maps key by key, lists and values replaced by the later file.

    ``${env:NAME:-default}`` takes the value of ``env``, else its default; other sources, as files, stay as they stand.

    Raises:
        UsageError: a file cannot be read, or is no YAML mapping.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{path} cannot be read as a Collector's configuration: {error}") from error
        if not isinstance(said, dict):
            raise UsageError(f"{path} cannot be read as a Collector's configuration: it is no mapping")
        merged = _merged(merged, said)
    return dict(_filled(merged, env))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _filled(value: Any, env: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, env) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, env) for inner in value]
    if isinstance(value, str) and "${" in value:
        filled = _VARIABLE.sub(lambda found: env.get(found[1]) or found[2] or "", value)
        return yaml.safe_load(filled) if _VARIABLE.fullmatch(value) else filled
    return value
