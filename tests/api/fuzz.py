"""Random requests by the OpenAPI description, good and bad ones, and what must hold of every answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi import checks
from tests.api.market import Market

from tollspan_rater.api.openapi import description

# Good data may still be refused: how parameters fit together, and which customers there are, no description says.
CHECKS_OF_ANY: list[CheckFunction] = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]
CHECKS: list[CheckFunction] = [*CHECKS_OF_ANY, checks.negative_data_rejection]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def arrived(query: Mapping[str, Any], address: str) -> bool:
    """Whether all that was drawn is in the address: a wrong parameter that is an empty list or null leaves no trace."""
    return query.keys() <= parse_qs(urlsplit(address).query, keep_blank_values=True).keys()


def fuzz(market: Market, cases: int) -> Counter[int]:
    """Send at least so many requests, to every operation in turn; return how often each status came.

    Raises:
        AssertionError: or what schemathesis raises: an answer is not as described, or the server failed.
    """
    operations = [found.ok() for found in schemathesis.openapi.from_dict(description()).get_all_operations()]
    each = -(-cases // len(operations))
    seen: Counter[int] = Counter()
    for operation in operations:
        drawn = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES))
        seen += _of_operation(market, drawn, each)
    return seen


def _of_operation(market: Market, drawn: Any, count: int) -> Counter[int]:
    seen: Counter[int] = Counter()

    @settings(
        max_examples=count, deadline=None, database=None, phases=(Phase.generate,), verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(drawn)
    def sent(case: Any) -> None:
        said = case.as_transport_kwargs(base_url="http://testserver", headers=market.keys["north", "admin"])
        headers = {name: value.encode("latin-1") for name, value in said.pop("headers").items()}
        answer = market.http.request(content=said.pop("data", None), headers=headers, **said)
        seen[answer.status_code] += 1
        assert answer.status_code not in {500, 501, 502}, (case.as_curl_command(), answer.text)
        whole = arrived(case.query or {}, str(answer.request.url))
        case.validate_response(answer, checks=CHECKS if whole else CHECKS_OF_ANY)

    sent()
    return seen
