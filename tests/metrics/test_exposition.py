"""Metrics as text, by what the scraper accepts; counts of requests with zeros from the beginning."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tollspan_rater.ingest.admission import Accepted, Kind, Refused
from tollspan_rater.metrics.exposition import exposed
from tollspan_rater.metrics.requests import Requests


def test_requests_are_counted_by_outcome() -> None:
    requests = Requests()
    for outcome in (Accepted(1), Accepted(2), Refused(None, "no", Kind.MALFORMED)):
        requests.observe("anybody", outcome)
    [family] = requests.metrics("t1")
    counted = {sample.labels["outcome"]: sample.value for sample in family.samples}
    assert counted == {"accepted": 2, "malformed": 1} | dict.fromkeys(set(Kind) - {Kind.MALFORMED}, 0)


@pytest.mark.parametrize(
    ("accept", "media"),
    [("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"), ("*/*", "text/plain")],
)
def test_the_form_is_the_one_that_is_asked_for(accept: str, media: str) -> None:
    body, said = exposed([Requests().metrics], "t1", accept)
    assert said.startswith(media)
    assert b'tollspan_requests_total{outcome="accepted"} 0.0\n' in body
    assert body.endswith(b"# EOF\n") == (media == "application/openmetrics-text")


def test_openmetrics_is_what_its_parser_reads() -> None:
    body, _media = exposed([Requests().metrics], "t1", "application/openmetrics-text; version=1.0.0")
    [family] = text_string_to_metric_families(body.decode())
    assert (family.name, family.type) == ("tollspan_requests", "counter")
