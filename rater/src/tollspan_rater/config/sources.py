"""Where values come from: flag over environment over file over default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tollspan_rater.config.keys import CONFIG_FILE, CONFIG_VARIABLE, KEYS, plain
from tollspan_rater.config.model import Config
from tollspan_rater.errors import ConfigError, UsageError


@dataclass(frozen=True, slots=True)
class Resolved:
    """The configuration in force. ``sources`` tells for each key where its value came from."""

    config: Config
    sources: Mapping[str, str]

    def values(self) -> dict[str, str | int | bool | None]:
        """Return each key's value as a file would give it, in the order of the model."""
        return {name: plain(_get(self.config, name)) for name in KEYS}


def resolve(flags: Mapping[str, Any], env: Mapping[str, str], folder: Path, file: Path | None = None) -> Resolved:
    """Merge the four sources into one checked configuration.

    Args:
        flags: values of the command line by key; only those that were given.
        env: the environment.
        folder: where ``tollspan.yaml`` is looked for.
        file: another file to read instead; it must exist.

    Raises:
        ConfigError: an unknown key, or a value that cannot be used; names value and source.
        UsageError: the file is missing or is no YAML.
    """
    given: dict[str, tuple[Any, str]] = {}
    path = file or (Path(env[CONFIG_VARIABLE]) if env.get(CONFIG_VARIABLE) else None)
    if path is not None or (folder / CONFIG_FILE).exists():
        given.update(_from_file(path or folder / CONFIG_FILE))
    for key in KEYS.values():
        if env.get(key.variable):
            given[key.name] = (env[key.variable], f"environment {key.variable}")
    for name, value in flags.items():
        given[name] = (value, f"flag --{name.rpartition('.')[2]}")
    sources = {name: given[name][1] if name in given else "default" for name in KEYS}
    return Resolved(_build({name: value for name, (value, _source) in given.items()}, sources), sources)


def _from_file(path: Path) -> dict[str, tuple[Any, str]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Give another file with --config, or run tollspan init.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise UsageError(f"{path}:{line}: this is no YAML: {getattr(error, 'problem', error)}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"{path}:1: a mapping of keys is needed, not {type(document).__name__}")
    flat = _flat(document, "")
    for name, value in flat.items():
        if name not in KEYS:
            raise ConfigError(name, value, str(path), _remedy(name))
    return {name: (value, str(path)) for name, value in flat.items()}


def _flat(document: Mapping[Any, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path not in KEYS:
            flat.update(_flat(value, path + "."))
        elif value is not None:
            flat[path] = value
    return flat


def _remedy(name: str) -> str:
    close = get_close_matches(name, KEYS, n=1)
    return f"no such key; did you mean {close[0]}?" if close else f"no such key; known are {', '.join(KEYS)}"


def _build(values: Mapping[str, Any], sources: Mapping[str, str]) -> Config:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, leaf = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[leaf] = value
    try:
        return Config.model_validate(nested)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        key = next((known for known in KEYS if f"{name}.".startswith(f"{known}.")), None)
        if key is not None:
            raise ConfigError(name, found["input"], sources[key], message) from None
        raise UsageError(f"the configuration cannot be used: {message}") from None


def _get(config: Config, name: str) -> Any:
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value
