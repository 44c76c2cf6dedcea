"""Figures that a process tells Prometheus, read out of the text of a scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure: its labels and its value."""

    labels: Mapping[str, str]
    value: float


class Samples:
    """The samples of one scrape by name; a counter is found with and without its ``_total``."""

    def __init__(self, text: str) -> None:
        """Read a scrape.

        Raises:
            ValueError: this is no text of metrics.
        """
        self._found: dict[str, list[Sample]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name = sample.name.removesuffix("_total")
                self._found.setdefault(name, []).append(Sample(sample.labels, sample.value))

    def each(self, name: str) -> Iterator[Sample]:
        """Yield the samples of a name."""
        yield from self._found.get(name.removesuffix("_total"), ())

    def sum(self, name: str, **labels: str) -> float | None:
        """Return the sum of the samples with these labels; None when there is none."""
        values = [one.value for one in self.each(name) if labels.items() <= one.labels.items()]
        return sum(values) if values else None
