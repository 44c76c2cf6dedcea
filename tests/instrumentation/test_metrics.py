"""The standard client metrics: what is in them, and that no customer is."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from opentelemetry import context, metrics
from opentelemetry.metrics import _internal
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.util._once import Once

import tollspan
from tollspan.metrics import DURATION, DURATION_BUCKETS_S, TOKEN_BUCKETS, TOKEN_TYPE, TOKEN_USAGE
from tollspan.suppression import COVERED, UNTRACED

ASK: list[Any] = [{"role": "user", "content": "hi"}]
Points = list[Any]


def chat(model: str = "gpt-5-mini", **more: Any) -> Any:
    return openai.OpenAI(max_retries=0).chat.completions.create(model=model, messages=ASK, **more)


@pytest.fixture
def reader(metered: Any, monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    monkeypatch.setattr(_internal, "_METER_PROVIDER", None)
    monkeypatch.setattr(_internal, "_METER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(_internal, "_PROXY_METER_PROVIDER", _internal._ProxyMeterProvider())
    found = InMemoryMetricReader()
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url, metrics=True, include_usage_hosts=())
    metrics.set_meter_provider(MeterProvider([found]))  # after us, as frameworks do
    return found


def points(reader: InMemoryMetricReader, name: str) -> Points:
    data = reader.get_metrics_data()
    if data is None:
        return []
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    assert {scope.scope.name for scope in scopes} <= {"tollspan"}
    return [point for scope in scopes for one in scope.metrics if one.name == name for point in one.data.data_points]


def test_tokens_and_duration_of_a_call(metered: Any, reader: InMemoryMetricReader) -> None:
    with tollspan.attribute(customer="acme", user="u1", tags={"team": "red"}):
        chat()
        chat()
    one, two = metered.collect()
    about = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": one["gen_ai.response.model"],
        "server.address": "127.0.0.1",
    }
    (duration,) = points(reader, DURATION)
    assert dict(duration.attributes) == about
    assert (duration.count, tuple(duration.explicit_bounds)) == (2, DURATION_BUCKETS_S)
    assert duration.sum == pytest.approx(sum(span.end_ns - span.start_ns for span in (one, two)) / 1e9)
    tokens = {point.attributes[TOKEN_TYPE]: point for point in points(reader, TOKEN_USAGE)}
    assert dict(tokens["input"].attributes) == {**about, TOKEN_TYPE: "input"}
    for kind, point in tokens.items():
        key = f"gen_ai.usage.{kind}_tokens"
        assert (point.sum, tuple(point.explicit_bounds)) == (one[key] + two[key], TOKEN_BUCKETS)
    assert set(tokens) == {"input", "output"}
    assert "acme" not in str(reader.get_metrics_data())


def test_the_buckets_are_those_of_the_conventions() -> None:
    assert TOKEN_BUCKETS[:3] + TOKEN_BUCKETS[-1:] == (1, 4, 16, 67108864)
    assert DURATION_BUCKETS_S[:3] + DURATION_BUCKETS_S[-1:] == (0.01, 0.02, 0.04, 81.92)


def test_an_error_has_its_type_and_no_tokens(reader: InMemoryMetricReader) -> None:
    with pytest.raises(openai.RateLimitError):
        chat("gpt-5-mini!429")
    (duration,) = points(reader, DURATION)
    assert duration.attributes["error.type"] in ("429", "rate_limit_error")
    assert points(reader, TOKEN_USAGE) == []


def test_an_estimate_is_no_count(metered: Any, reader: InMemoryMetricReader) -> None:
    assert [*chat(stream=True)]
    assert [span["tollspan.quality"] for span in metered.collect()] == ["estimated"]
    assert len(points(reader, DURATION)) == 1
    assert points(reader, TOKEN_USAGE) == []


@pytest.mark.parametrize("key", [*UNTRACED, *COVERED], ids=["otel", "otel plain", "openllmetry", "util-genai"])
def test_what_another_measures_is_not_measured_twice(key: str, metered: Any, reader: InMemoryMetricReader) -> None:
    token = context.attach(context.set_value(key, object()))
    chat()
    context.detach(token)
    assert points(reader, DURATION) == []
    assert len(metered.collect()) == 1


def test_only_when_asked_for_and_no_more_after_uninstalling(metered: Any, reader: InMemoryMetricReader) -> None:
    tollspan.uninstall()
    chat()
    tollspan.install(endpoint=metered.sink.url, include_usage_hosts=())
    chat()
    assert points(reader, DURATION) == []
    assert len(metered.collect()) == 1
