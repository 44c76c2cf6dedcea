import random
import sys
import time
from collections.abc import Iterator

import pytest

from tests.demo.plans import people
from tests.demo.receiver import Receiver, receiving
from tollspan import semconv
from tollspan_rater.demo import sdk


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def test_the_records_of_real_sdk_calls_say_what_the_provider_billed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody listens there: loopback needs no proxy
    monkeypatch.setenv("NO_PROXY", "")
    billed = sdk.run(receiver.url, people(), 100, random.Random(1), time.time_ns)
    assert billed is not None
    assert [call.number for call in billed] == list(range(100, 100 + sdk.CALLS))
    assert {call.api for call in billed} == {
        "openai.chat", "openai.responses", "openai.embeddings", "anthropic.messages",
    }  # fmt: skip
    sent = sorted(receiver.spans, key=lambda one: int(str(one[semconv.SEQ])))
    keys = ("tollspan.customer", semconv.REQUEST_MODEL, semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS)
    assert [tuple(one.get(key) for key in keys) for one in sent] == [
        (call.customer, call.model, call.input, call.output or None) for call in billed
    ]


def test_without_the_sdks_the_demo_goes_on(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    assert sdk.run(receiver.url, people(), 0, random.Random(1), time.time_ns) is None
    assert receiver.spans == []
