"""The answer to ``config.show``: each value and where it came from."""

from __future__ import annotations

from tollspan_rater.config.keys import KEYS
from tollspan_rater.config.sources import Resolved
from tollspan_rater.query.answer import Answer


def config_answer(resolved: Resolved, as_of: int = 0) -> Answer:
    """Lay out a resolved configuration as a table of key, value, source and meaning."""
    rows = [
        {"key": key.name, "value": _text(value), "source": resolved.sources[key.name], "meaning": key.help}
        for key, value in zip(KEYS.values(), resolved.values().values(), strict=True)
    ]
    return Answer("Configuration", ("key", "value", "source", "meaning"), rows, as_of, zone=resolved.config.zone)


def _text(value: str | float | None) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
