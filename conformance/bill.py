"""The provider's bill, and what tollspan made of the spans: the two sides that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tollspan_rater.domain.call import Call

FIGURES = ("input", "output", "cache_read", "cache_write", "reasoning")
OK = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One physical attempt: whose it was, how it was answered, what it used (inclusive input and output).

    ``tier`` is the service tier that the answer states, ``units`` what a bill counts beside the figures, by the
    names of the rater's meters; parts of the input or output (``audio_in``) are among them.
    """

    stack: str
    case: str
    api: str
    status: int
    response_id: str
    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    model: str = ""
    tier: str = ""
    units: Mapping[str, int] = field(default_factory=dict)

    @property
    def charged(self) -> bool:
        """Whether the provider charges for it."""
        return self.status == OK

    def row(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Make it from a JSON object."""
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Seen:
    """One call as tollspan shows it; ``None`` is unknown."""

    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    quality: str
    outcome: str
    customer: str | None = None

    @property
    def nothing_used(self) -> bool:
        """Whether it is an attempt that failed and of which no usage is stated."""
        return self.outcome == "failed" and not any(getattr(self, figure) for figure in FIGURES)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """Make it from a row of ``tollspan calls``."""
        figures = {figure: row[f"{figure}_tokens"] for figure in FIGURES}
        return cls(**figures, quality=str(row["quality"]), outcome=str(row["outcome"]), customer=row.get("customer"))

    @classmethod
    def of_call(cls, call: Call) -> Self:
        """Make it from a settled call."""
        figures = {figure: getattr(call.usage, figure) for figure in FIGURES}
        return cls(**figures, quality=call.quality, outcome=call.outcome, customer=call.customer)
