"""Panels of one look: a title that says what it is, a unit, and a sentence where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import stat, table, timeseries, xychart
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DynamicConfigValue

from dashboards.sources import PROMETHEUS, RATER, TEMPO, Asked, Query

Links = Mapping[str, Sequence[tuple[str, str]]]
Panel = stat.Panel | table.Panel | timeseries.Panel | xychart.Panel
HALF, WHOLE, SIXTH = 12, 24, 4


def number(title: str, query: Query, unit: str = "short") -> stat.Panel:
    """Return one large number for each series."""
    panel = stat.Panel().title(title).datasource(_source(query)).with_target(query)
    return panel.unit(unit).no_value("none yet").span(SIXTH).height(4)


def lines(title: str, query: Query, unit: str = "short") -> timeseries.Panel:
    """Return values over time."""
    panel = timeseries.Panel().title(title).datasource(_source(query)).with_target(query)
    return panel.unit(unit).no_value("nothing in this time").span(HALF).height(8)


def rows(title: str, query: Query, links: Links, units: Mapping[str, str]) -> table.Panel:
    """Return a table. ``links`` leads from a column's cells to (title, address)s, ``units`` says what numbers are."""
    panel = table.Panel().title(title).datasource(_source(query)).with_target(query)
    for column, targets in links.items():
        value = [{"title": said, "url": url} for said, url in targets]
        panel = panel.override_by_name(column, [DynamicConfigValue(id_val="links", value=value)])
    for column, unit in units.items():
        panel = panel.override_by_name(column, [DynamicConfigValue(id_val="unit", value=unit)])
    return panel.no_value("nothing in this time").span(HALF).height(9)


def cloud(title: str, query: Asked, units: Mapping[str, str]) -> xychart.Panel:
    """Return a cloud of points: the first number across, the others up."""
    panel = xychart.Panel().title(title).datasource(RATER).with_target(query)
    for column, unit in units.items():
        panel = panel.override_by_name(column, [DynamicConfigValue(id_val="unit", value=unit)])
    return panel.unit("short").no_value("nothing in this time").span(HALF).height(9)


def link(title: str, uid: str) -> DashboardLink:
    """Return a link to another dashboard that keeps time and variables."""
    to = DashboardLink(title).type(DashboardLinkType.LINK).url(f"/d/{uid}")
    return to.keep_time(True).include_vars(True)  # noqa: FBT003 - the builder's form


def _source(query: Query) -> DataSourceRef:
    if isinstance(query, Asked):
        return RATER
    return PROMETHEUS if isinstance(query, PrometheusQuery) else TEMPO
