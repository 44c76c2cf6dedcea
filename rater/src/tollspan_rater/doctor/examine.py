"""The table of checks, and the one loop over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tollspan_rater.doctor import books, collector, folder, serving
from tollspan_rater.doctor.application import APPLICATION
from tollspan_rater.doctor.finding import Examined, Finding, problem
from tollspan_rater.doctor.setup import Setup
from tollspan_rater.errors import TollspanError

Look = Callable[[Setup], Iterator[Finding]]

CHECKS: Final[tuple[tuple[str, str, Look], ...]] = (
    ("data folder", "Is the data folder there, whole, and ours?", folder.data_folder),
    ("disk", "Is there room, and is what is written durable soon?", folder.disk),
    ("addresses", "Are the rater's addresses free, or its own?", folder.addresses),
    ("guards", "Is what other machines reach guarded?", folder.guards),
    ("settings", "Does the serving rater have these settings?", folder.settings),
    ("rater", "Does a rater serve, take spans, and keep up?", serving.rater),
    ("keys", "Have senders the keys that they need?", books.keys),
    ("refused senders", "Does a sender wait because its key is refused?", serving.refused_senders),
    ("collector", "Does the Collector answer?", collector.health),
    ("collector config", "Can its configuration lose spans, or let prompts out?", collector.config),
    ("collector queue", "Does it deliver all that it took?", collector.queue),
    ("money spans", "Does money reach the traces?", serving.money_spans),
    ("prices", "Has everything of this month a price and a cost?", books.prices),
    ("attribution", "Does everything of this month name a customer?", books.attribution),
    ("quarantine", "Could every span be read?", books.quarantine),
    ("clocks", "Do the senders' clocks go right?", books.clocks),
    ("audit", "Is anything missing or counted twice?", books.audit),
)


def examine(setup: Setup) -> Iterator[Examined]:
    """Yield what every check of a rater's set-up finds; one that cannot be answered is a finding of its own."""
    for name, question, look in CHECKS:
        try:
            found = list(look(setup))
        except TollspanError as error:
            found = [problem(f"cannot be answered: {error}", "Do what the message says, or look into the rater's log.")]
        for finding in found:
            yield Examined(name, question, finding)


def examine_application(environ: Mapping[str, str]) -> Iterator[Examined]:
    """Yield what every check of an application's environment finds."""
    for name, question, look in APPLICATION:
        for finding in look(environ):
            yield Examined(name, question, finding)
