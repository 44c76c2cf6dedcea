"""The answer to ``config.show``: each value and where it came from."""

from __future__ import annotations

from dataclasses import replace

from tollspan_rater.config.keys import KEYS
from tollspan_rater.config.model import Config
from tollspan_rater.config.sources import Resolved
from tollspan_rater.query.answer import Answer


def config_answer(resolved: Resolved, as_of: int = 0, *, tenant: str | None = None) -> Answer:
    """Lay out a resolved configuration as a table of key, value, source and meaning.

    A ``tenant`` sees its own exports; without one, as on the machine of the file, all are shown.
    """
    shown = resolved if tenant is None else replace(resolved, config=_of(resolved.config, tenant))
    rows = [
        {"key": key.name, "value": _text(value), "source": resolved.sources[key.name], "meaning": key.help}
        for key, value in zip(KEYS.values(), shown.values().values(), strict=True)
    ]
    return Answer("Configuration", ("key", "value", "source", "meaning"), rows, as_of, zone=resolved.config.zone)


def _of(config: Config, tenant: str) -> Config:
    return config.model_copy(update={"exports": config.exports_of(tenant)})


def _text(value: str | float | None) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
