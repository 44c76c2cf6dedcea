"""What opens a target is asked for by name before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from tests.export.case import Case, cases
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import ConfigError, MissingSecretError

# Secrets that a target can do without: temporary keys, reports of rejections, a server of one's own.
OPTIONAL = {"session", "webhook"}
NEEDED = [
    (case, name)
    for case in cases().values()
    for name in case.secrets
    if name not in OPTIONAL and not case.name.startswith("webhook")
]


def sends_nothing(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request.url)


def made(case: Case) -> None:
    case.target(httpx.MockTransport(sends_nothing), FixedClock(0)).close()


@pytest.mark.parametrize(("case", "name"), NEEDED, ids=[f"{case.name}-{name}" for case, name in NEEDED])
def test_a_secret_that_is_missing_is_named_with_its_variable(case: Case, name: str) -> None:
    others = {known: secret for known, secret in case.secrets.items() if known != name}
    with pytest.raises(MissingSecretError) as caught:
        made(replace(case, secrets=others, url=None))
    assert f"TOLLSPAN_EXPORT_TEST_{name.upper()}" in str(caught.value)
    made(case)


def test_every_vendor_asks_for_a_secret() -> None:
    assert {case.name for case, _ in NEEDED} >= {
        "stripe-invoice-items",
        "lago-invoices",
        "zuora-usage",
        "aws-marketplace",
    }
    assert len({case.name for case, _ in NEEDED}) > 15


def test_an_openmeter_of_ones_own_may_ask_for_none() -> None:
    made(replace(cases()["openmeter"], secrets={}, url="http://127.0.0.1:8888"))


@pytest.mark.parametrize(
    ("name", "option"),
    [("azure-marketplace", "tenant"), ("gcp-marketplace", "service"), ("chargebee-usages", "site")],
)
def test_an_option_that_is_missing_is_named(name: str, option: str) -> None:
    case = cases()[name]
    others = {known: value for known, value in case.options.items() if known != option}
    with pytest.raises(ConfigError, match=f"exports.test.options.{option}"):
        made(replace(case, options=others, url=None))
