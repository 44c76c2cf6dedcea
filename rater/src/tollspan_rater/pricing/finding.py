"""What a check of pricing files has to say: where, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tollspan_rater.errors import PricingError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One remark on one line of one file; errors keep a price book from being loaded, warnings do not."""

    path: str
    line: int
    problem: str
    remedy: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.problem}. {self.remedy}"

    def raised(self) -> PricingError:
        """Return the finding as an error that can be raised."""
        return PricingError(self.path, self.line, self.problem, self.remedy)


class Findings:
    """Collects findings, so that one check reports everything at once."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()

    def error(self, path: str, line: int, problem: str, remedy: str) -> None:
        """Note what keeps the files from being used."""
        self._found.add(Finding(path, line, problem, remedy))

    def warning(self, path: str, line: int, problem: str, remedy: str) -> None:
        """Note what works, but may surprise."""
        self._found.add(Finding(path, line, problem, remedy, "warning"))

    def __iter__(self) -> Iterator[Finding]:
        """Walk through the findings by file and line."""
        return iter(sorted(self._found))
