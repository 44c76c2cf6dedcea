"""Applying and checking a pricing folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from tollspan_rater.config.pricing_folder import read_folder
from tollspan_rater.cost.contract import parse_contract
from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.book import check
from tollspan_rater.pricing.finding import Finding
from tollspan_rater.query.accounts import cost_files, price_files
from tollspan_rater.query.answer import Answer
from tollspan_rater.server.rater import Rater
from tollspan_rater.store import state


def apply_folder(rater: Rater, folder: Path, tenant: str, actor: str) -> None:
    """Apply a folder unless its content is what was applied last: the first since ever, a changed one from today on.

    Nobody is there to be asked, so a changed folder never changes the days before.
    """
    files = read_folder(folder)
    known = state.price_versions(rater.database.reader(), tenant)
    if not known or known[-1].files != files:
        today = from_ns(rater.clock.now_ns()).astimezone(ZoneInfo(rater.config.zone)).date()
        since = {"valid_from": today.isoformat()} if known else {}
        rater.execute("pricing.apply", {"files": files, **since}, tenant=tenant, actor=actor)


def check_pricing(files: Mapping[str, str]) -> Answer:
    """Validate rate cards, plans and contracts without a store; ``ok`` is False when there is an error."""
    findings = [*check(price_files(files)), *_of_contracts(files)]
    return Answer(
        "Findings",
        ("severity", "file", "line", "problem", "remedy"),
        [
            {"severity": one.severity, "file": one.path, "line": one.line, "problem": one.problem, "remedy": one.remedy}
            for one in findings
        ],
        0,
        notes=() if findings else ("nothing to complain about",),
        ok=all(one.severity != "error" for one in findings),
    )


def _of_contracts(files: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the first error of each contract with a provider."""
    for path, text in cost_files(files):
        try:
            parse_contract(text, path)
        except PricingError as error:
            yield Finding(path, error.line, error.problem, error.remedy)
