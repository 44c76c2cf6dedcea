"""Applying and checking a pricing folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tollspan_rater.errors import UsageError
from tollspan_rater.pricing.book import check
from tollspan_rater.query.accounts import cost_book_of, cost_files, price_files
from tollspan_rater.query.answer import Answer
from tollspan_rater.server.rater import Rater
from tollspan_rater.store import state


def files_of(folder: Path) -> dict[str, str]:
    """Return the YAML files below a folder as ``{relative name: text}``.

    Raises:
        UsageError: the folder is missing or holds no YAML.
    """
    found = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for pattern in ("*.yaml", "*.yml")
        for path in sorted(folder.rglob(pattern))
    }
    if not found:
        raise UsageError(f"{folder} holds no rate cards or plans (*.yaml). tollspan init writes a set to begin with.")
    return found


def apply_folder(rater: Rater, folder: Path, tenant: str, actor: str) -> None:
    """Apply a folder unless its content is what was applied last."""
    files = files_of(folder)
    known = state.price_versions(rater.database.reader(), tenant)
    if not known or known[-1].files != files:
        rater.execute("pricing.apply", {"files": files}, tenant=tenant, actor=actor)


def check_pricing(files: Mapping[str, str]) -> Answer:
    """Validate rate cards and plans without a store; ``ok`` is False when there is an error."""
    findings = check(price_files(files))
    cost_book_of(cost_files(files))
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
