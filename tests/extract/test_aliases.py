"""What spans say about whom a call was made for."""

from __future__ import annotations

import pytest
from tests.extract.spans import OTEL, an, chat

from tollspan_rater.domain.span import AttributeValue

SAID: list[tuple[dict[str, AttributeValue], dict[str, str]]] = [
    ({"tollspan.customer": "acme"}, {"customer": "acme"}),
    ({"customer.id": "acme"}, {"alias.customer": "acme"}),
    ({"customer.id": "a", "tollspan.customer": "b"}, {"customer": "b", "alias.customer": "a"}),
    ({"tenant.id": "low", "customer.id": "high"}, {"alias.customer": "high"}),
    ({"customer.id": "high", "tenant.id": "low"}, {"alias.customer": "high"}),
    ({"traceloop.association.properties.customer_id": "acme"}, {"alias.customer": "acme"}),
    ({"langfuse.user.id": "low", "user.id": "high"}, {"alias.user": "high"}),
    ({"plan.name": "pro", "subscription.id": "sub_1"}, {"alias.subscription": "sub_1"}),
    ({"tollspan.customer": "  \t"}, {}),
    ({"tollspan.customer": "a\x00b\n"}, {"customer": "a\x00b\n"}),
    ({"tollspan.customer": " acme "}, {"customer": " acme "}),
    ({"tollspan.customer": 42}, {"customer": "42"}),
    ({"tollspan.customer": ["a"]}, {}),
    ({"tollspan.billable": False}, {"billable": "false"}),
    ({"tollspan.billable": "TRUE"}, {"billable": "true"}),
    ({"tollspan.tags.team": "x", "tollspan.tags.cell": 3}, {"tags.team": "x", "tags.cell": "3"}),
]


@pytest.mark.parametrize(("attributes", "said"), SAID)
def test_what_a_span_says(attributes: dict[str, AttributeValue], said: dict[str, str]) -> None:
    assert an({**chat(), **attributes}, scope=OTEL).said == said


def test_a_long_value_is_cut_between_characters_and_flagged() -> None:
    span = an({**chat(), "tollspan.customer": "é" * 200, "tollspan.user": "x" * 256})
    assert span.said == {"customer": "é" * 128, "user": "x" * 256}
    assert span.flags == ("cut:customer",)


def test_a_truth_value_that_is_none_is_flagged() -> None:
    span = an({**chat(), "tollspan.billable": "perhaps"})
    assert (span.said, span.flags) == ({}, ("bad_billable",))


def test_free_dimensions_are_bounded() -> None:
    span = an({**chat(), **{f"tollspan.tags.k{n:02}": "v" for n in range(20)}})
    assert sorted(span.said) == [f"tags.k{n:02}" for n in range(16)]
    assert "tags_dropped" in span.flags


def test_a_resource_speaks_for_all_its_spans() -> None:
    resource: dict[str, AttributeValue] = {"deployment.environment.name": "staging", "service.version": "9"}
    spans = [an(chat(), resource=resource), an(chat(), resource={"deployment.environment": "qa"})]
    assert [span.resource_said for span in spans] == [{"alias.environment": "staging"}, {"alias.environment": "qa"}]
