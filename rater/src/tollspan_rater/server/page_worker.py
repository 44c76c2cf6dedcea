"""The process that turns batches into pages: reads them from stdin, writes pages to stdout, ends when stdin ends.

It opens no file of the data folder. The first message is the key of the subject ids, each further one the batches of a
page with the span rules to read them by, or None for those of the message before.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import Final

from tollspan_rater.domain.entries import Batch
from tollspan_rater.extract.span_rule import RulesByTenant
from tollspan_rater.pipeline.page import Page, page_of
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.server.page_pipe import send_page
from tollspan_rater.store.names import hashed_id, looks_like_id

COLLECT_EVERY: Final = 64  # pages; what they leave behind has no cycles, and looking for some costs a third


class KeyedNames:
    """The table of names as far as its key goes: makes ids, and keeps the names behind them for the owner."""

    def __init__(self, key: bytes) -> None:
        self._hashed = lru_cache(maxsize=65_536)(lambda tenant, name: hashed_id(key, tenant, name))
        self.found: dict[str, dict[str, str]] = {}
        self.in_doubt = False

    def subject_id(self, tenant: str, name: str) -> str:
        """Return a person's id; a name that may be an id itself puts the page in doubt."""
        self.in_doubt = self.in_doubt or looks_like_id(name)
        return self._hashed(tenant, name)

    def remember(self, tenant: str, names: dict[str, str]) -> None:
        """Keep names until the page takes them along."""
        self.found.setdefault(tenant, {}).update(names)


def page(batches: Sequence[Batch], rules: RulesByTenant, names: KeyedNames) -> Page | None:
    """Return the page of some batches; None when only the owner of the names can make it."""
    names.found, names.in_doubt = {}, False
    subjects = Subjects(names)
    made = page_of(batches, reader(subjects).under(rules).read, MEANING.settle, MEANING.link_of)
    subjects.flush()
    return None if names.in_doubt else replace(made, names=names.found)


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, which then ends stdin
    requests = Connection(os.dup(0), writable=False)
    answers = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # whatever a library prints must not stand between two pages
    gc.freeze()
    gc.disable()
    try:
        names = KeyedNames(requests.recv_bytes())
        answers.send_bytes(b"ready")
        rules: RulesByTenant = {}
        for number in range(1 << 62):
            batches, others = requests.recv()
            rules = rules if others is None else others
            send_page(answers, page(batches, rules, names))
            if number % COLLECT_EVERY == 0:
                gc.collect()
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nothing is open; taking the libraries down in order makes them complain on stderr


if __name__ == "__main__":
    main()
