"""The real ``tollspan`` with faults put into it: ``python -m tests.end_to_end.faulty_rater`` instead of ``tollspan``.

A span that is named after a fault meets it; the store waits before each append while the file that
``FAULTY_RATER_PAUSE`` names exists.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tollspan_rater.cli.main import main
from tollspan_rater.domain.call import Call, Extracted, Rejected
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.cluster import NOTHING_AROUND, Around
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle
from tollspan_rater.server import meaning, rater
from tollspan_rater.store.database import Database

PAUSE = "FAULTY_RATER_PAUSE"
IN_EXTRACT, IN_SETTLE = "fault in extract", "fault in settle"

_append = Database.append


def faulty_extract(span: Span) -> Extracted | Rejected:
    if span.name == IN_EXTRACT:
        raise RuntimeError("a bug of ours in extract")
    return extract(span)


def faulty_settle(spans: Iterable[Extracted], around: Around = NOTHING_AROUND) -> list[Call]:
    found = list(spans)
    if any(span.name == IN_SETTLE for span in found):
        raise RuntimeError("a bug of ours in settle")
    return settle(found, around)


def slow_append(database: Database, *given: Any) -> None:
    while os.environ.get(PAUSE) and Path(os.environ[PAUSE]).exists():
        time.sleep(0.02)
    _append(database, *given)


if __name__ == "__main__":
    os.environ["TOLLSPAN_WORKERS"] = "0"  # processes that read would be sound ones
    vars(meaning)["extract"] = faulty_extract
    vars(rater)["MEANING"] = replace(meaning.MEANING, settle=faulty_settle)
    Database.append = slow_append  # type: ignore[method-assign]
    main()
