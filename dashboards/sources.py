"""What panels ask: the rater's API through Infinity, Prometheus, Tempo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.builders.tempo import Dataquery as TempoQuery
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import DataSourceRef

RATER: Final = DataSourceRef(type_val="yesoreyeram-infinity-datasource", uid="rater")
PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
TEMPO: Final = DataSourceRef(type_val="tempo", uid="tempo")
IN_TIME: Final[Mapping[str, str]] = {"from": "${__timeFrom}", "to": "${__timeTo}"}


@dataclass(frozen=True)
class InfinityTarget(variants.Dataquery):
    """A JSON question for the plugin; ``columns`` are (selector, type, title)."""

    path: str
    params: Mapping[str, str]
    columns: Sequence[tuple[str, str, str]]
    form: str = "table"
    ref_id: str = "A"
    hide: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the target as the plugin stores it."""
        return {
            "refId": self.ref_id,
            "datasource": RATER,
            "type": "json",
            "parser": "backend",
            "source": "url",
            "format": self.form,
            "url": self.path,
            "root_selector": "rows",
            "columns": [{"selector": name, "text": title, "type": kind} for name, kind, title in self.columns],
            "url_options": {
                "method": "GET",
                "params": [{"key": key, "value": value} for key, value in self.params.items()],
            },
        }


@dataclass(frozen=True)
class Asked(Builder[variants.Dataquery]):
    """A question to the rater: columns of text, of numbers and of time.

    ``form`` is that of the plugin: ``timeseries`` makes a series of each number and combination of texts out of rows
    in the order of time. A column's title is its name, or what ``titles`` says.
    """

    question: str
    params: Mapping[str, str] = field(default_factory=dict)
    texts: Sequence[str] = ()
    numbers: Sequence[str] = ()
    times: Sequence[str] = ()
    form: str = "table"
    titles: Mapping[str, str] = field(default_factory=dict)

    def build(self) -> InfinityTarget:
        """Return the target; times first, for charts take the first as their axis."""
        kinds = ((self.times, "timestamp"), (self.texts, "string"), (self.numbers, "number"))
        columns = [(name, kind, self.titles.get(name, name)) for names, kind in kinds for name in names]
        return InfinityTarget(f"/v1/{self.question}", self.params, columns, self.form)


Query = PrometheusQuery | TempoQuery | Asked


def promql(expression: str, legend: str = "") -> PrometheusQuery:
    """Return a query over the shown time."""
    return PrometheusQuery().expr(expression).legend_format(legend).datasource(PROMETHEUS).ref_id("A").range()


def traceql(expression: str) -> TempoQuery:
    """Return a TraceQL query; sums must leave out spans without the attribute, or they are wrong without a word."""
    return TempoQuery().query(expression).query_type("traceql").datasource(TEMPO).ref_id("A").limit(50)
