"""The configuration in force as a command of the journal: with which settings an answer came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tollspan_rater.config.keys import KEYS
from tollspan_rater.domain.entries import Command, NewCommand
from tollspan_rater.errors import JournalGapError

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

KIND: Final = "config.set"


def note_config(rater: Rater, actor: str) -> bool:
    """Journal the configuration unless it is the last one that was journaled; tell whether it was.

    Values are text or None. No key of the configuration is a secret: it names files, never what they hold.
    """
    values = rater.resolved.values()
    body = {name: None if values[name] is None else str(values[name]) for name in KEYS}
    if _last_body(rater) == body:
        return False
    rater.append([NewCommand(rater.clock.now_ns(), rater.config.tenant, actor, KIND, body)])
    return True


def _last_body(rater: Rater) -> object:
    """Return the newest noted configuration; None when there is none, or it left the journal with its day."""
    connection = rater.database.reader()
    (position,) = connection.execute("SELECT max(position) FROM entries WHERE kind = ?", [KIND]).fetchall()[0]
    if position is None:
        return None
    try:
        (entry,) = rater.journal.read(int(position) - 1, max_entries=1, max_bytes=1)
    except JournalGapError:
        return None
    return dict(entry.body) if isinstance(entry, Command) else None
