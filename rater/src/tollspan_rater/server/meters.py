"""Applying the file of span-to-meter rules that the configuration names."""

from __future__ import annotations

from pathlib import Path

from tollspan_rater.errors import UsageError
from tollspan_rater.extract.rule_file import load
from tollspan_rater.server.rater import Rater
from tollspan_rater.store import state


def apply_file(rater: Rater, path: Path, tenant: str, actor: str) -> None:
    """Apply a file of rules unless its rules are in force already.

    Raises:
        UsageError: the file cannot be read, or a rule in it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"meters = {path} cannot be read: {error}. Name a file of span-to-meter rules.") from error
    applied = state.span_rules(rater.database.reader(), tenant)
    if not applied or applied[-1].version != load(path.name, text).version:
        rater.execute("meters.apply", {"file": text, "name": path.name}, tenant=tenant, actor=actor)
