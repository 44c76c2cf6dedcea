"""The fingerprint of a request: equal for what is asked again, nothing without the key."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tollspan
from tollspan.fingerprint import fingerprint
from tollspan.settings import resolve

KEY, HOST, PATH = b"a key", "api.openai.com", "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hé"}], "temperature": 0}


def of(body: dict[str, Any], key: bytes = KEY, host: str = HOST, path: str = PATH) -> str | None:
    return fingerprint(key, host, path, body)


@pytest.mark.parametrize(
    "same",
    [
        of(dict(reversed(ASKED.items()))),
        of({**ASKED, "stream": True, "stream_options": {}}),
        of(ASKED, host="API.openai.com"),
    ],
)
def test_the_same_is_asked(same: str) -> None:
    assert same == of(ASKED)


@pytest.mark.parametrize(
    "other", [of({**ASKED, "temperature": 1}), of(ASKED, b"other"), of(ASKED, host="h"), of(ASKED, path="/p"), of({})]
)
def test_something_else_is_asked(other: str | None) -> None:
    assert other != of(ASKED)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(max_size=9), st.text(max_size=30), min_size=1))
def test_it_holds_32_digits_and_no_content(body: dict[str, Any]) -> None:
    found = of({**body, "model": "m"})
    assert found is not None
    assert (len(found), set(found) <= set("0123456789abcdef")) == (32, True)


@pytest.mark.parametrize("key", [None, "a key"])
def test_calls_carry_it_when_a_key_is_set(key: str | None, metered: Any) -> None:
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url, include_usage_hosts=(), fingerprint_key=key)
    for content in ("hi", "hi", "ho"):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}
        httpx2.post(f"{metered.provider.url}/v1/chat/completions", json=body)
    first, again, other = (span["tollspan.request_fingerprint"] for span in metered.collect())
    assert first == again
    assert (first is None, first == other) == ((True, True) if key is None else (False, False))


def test_settings_come_from_the_environment_and_hide_the_key() -> None:
    environ = {
        "TOLLSPAN_OTLP_ENDPOINT": "http://h",
        "TOLLSPAN_PROPAGATE_TO": "*.Internal, shop",
        "TOLLSPAN_FINGERPRINT_KEY": "secret",
        "TOLLSPAN_THREADS": "true",
    }
    found = resolve(environ)
    assert found is not None
    assert (found.propagate_to, found.fingerprint_key, found.threads) == (("*.internal", "shop"), b"secret", True)
    assert "secret" not in repr(found)
    bare = resolve({}, endpoint="http://h")
    assert bare is not None
    assert (bare.propagate_to, bare.fingerprint_key, bare.threads) == ((), None, False)
