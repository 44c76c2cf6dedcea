"""The configuration keys as a flat table, read off the model: name, default, meaning, environment variable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ByteSize

from tollspan_rater.config.model import Config

CONFIG_FILE: Final = "tollspan.yaml"
CONFIG_VARIABLE: Final = "TOLLSPAN_CONFIG"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: ``name`` is dotted, e.g. ``listen.grpc``; ``default`` a value as a file would give it."""

    name: str
    default: str | int | bool | None
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it, e.g. ``TOLLSPAN_LISTEN_GRPC``."""
        return "TOLLSPAN_" + self.name.upper().replace(".", "_")


def plain(value: Any) -> str | int | bool | None:
    """Return a configuration value as a file would give it; sizes in the largest unit that divides them.

    Sections with names of the user's own are JSON; without any they are ``None``.
    """
    if isinstance(value, ByteSize):
        return _size(int(value))
    if isinstance(value, dict):
        sections = {name: one.model_dump(mode="json", exclude_unset=True) for name, one in sorted(value.items())}
        return json.dumps(sections) if sections else None
    return str(value) if isinstance(value, Path) else value


def _size(size: int) -> str | int:
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size and size % scale == 0:
            return f"{size // scale}{unit}"
    return size


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        if isinstance(info.default, BaseModel):
            yield from _walk(type(info.default), f"{prefix}{name}.")
        else:
            yield Key(prefix + name, plain(info.get_default(call_default_factory=True)), info.description or "")


def section_help(name: str) -> str:
    """Return what a section of keys is about."""
    return (type(Config.model_fields[name].default).__doc__ or "").strip()


KEYS: Final[dict[str, Key]] = {key.name: key for key in _walk(Config, "")}
