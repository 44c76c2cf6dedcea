"""A process for crash tests: appends to a journal and tells on stdout what was acknowledged.

Arguments: folder, number of appends, appends a day, SQLite's ``synchronous`` setting. It prints ``sent N`` before and
``acked N POSITION`` or ``refused N`` after each append.
"""

import os
import sys
from pathlib import Path

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.errors import JournalDiskError
from tollspan_rater.ingest import journal_day
from tollspan_rater.ingest.journal import Journal

DAY_NS = 86_400 * 10**9


def main(folder: Path, appends: int, a_day: int, synchronous: str) -> None:
    journal_day.SYNCHRONOUS = synchronous
    journal = Journal(folder, clock := FixedClock(0))
    for number in range(appends):
        clock.set(number // a_day * DAY_NS)
        os.write(1, f"sent {number}\n".encode())
        batch = NewBatch(number, "acme", "collector", "otlp-proto", b"%d" % number * 1000)
        try:
            (position,) = journal.append([batch])
        except JournalDiskError:
            os.write(1, f"refused {number}\n".encode())
        else:
            os.write(1, f"acked {number} {position}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
