"""boto3: each attempt is one record equal to the bill; nothing of ours is signed or sent."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, EventStreamError
from conformance.provider.server import Provider
from opentelemetry import baggage, context
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

import tollspan

CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
TITAN = "amazon.titan-embed-text-v2:0"
ASK: Any = [{"role": "user", "content": [{"text": "How many?"}]}]
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": []})
KEYS = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up", "region_name": "eu-central-1"}
SESSION = boto3.Session(**KEYS)


def client(url: str, service: str = "bedrock-runtime", **more: Any) -> Any:
    config = Config(retries={"max_attempts": 2, "mode": "standard"}, **more)
    return SESSION.client(service, endpoint_url=url, config=config)


def converse(url: str) -> None:
    assert client(url).converse(modelId=CLAUDE, messages=ASK)["usage"]


def streamed(url: str) -> Any:
    return client(url).converse_stream(modelId=CLAUDE, messages=ASK)["stream"]


def invoked(url: str, model: str = CLAUDE, body: str = BODY) -> Any:
    return client(url).invoke_model(modelId=model, body=body)["body"]


def stream(url: str) -> None:
    assert [*streamed(url)][-1]["metadata"]["usage"]


def invoke(url: str) -> None:
    assert json.loads(invoked(url).read())


def invoke_by_lines(url: str) -> None:
    assert [*invoked(url).iter_lines()]


def invoke_by_chunks(url: str) -> None:
    assert len([*invoked(url).iter_chunks(50)]) > 1


def invoke_into_a_buffer(url: str) -> None:
    body, buffer = invoked(url), bytearray(64)
    while body.readinto(buffer):
        pass


def invoke_from_the_raw_body(url: str) -> None:
    with invoked(url) as raw:
        assert json.loads(raw.read())


def invoke_embedding(url: str) -> None:
    assert json.loads(invoked(url, TITAN, '{"inputText": "How many?"}').read())["embedding"]


def invoke_stream(url: str) -> None:
    body = client(url).invoke_model_with_response_stream(modelId=CLAUDE, body=BODY)["body"]
    assert b"message_stop" in [*body][-1]["chunk"]["bytes"]


def stream_closed(url: str) -> None:
    events = streamed(url)
    next(iter(events))
    events.close()


def invoke_stream_closed(url: str) -> None:
    body = client(url).invoke_model_with_response_stream(modelId=CLAUDE, body=BODY)["body"]
    next(iter(body))
    body.close()


def stream_dropped(url: str) -> None:
    next(iter(streamed(url)))
    gc.collect()


def stream_never_read(url: str) -> None:
    streamed(url)
    gc.collect()


def invoke_left(url: str) -> None:
    body = invoked(url)
    body.read(10)
    body.close()


def invoke_never_read(url: str) -> None:
    invoked(url)
    gc.collect()


def stream_with_an_error(url: str) -> None:
    with pytest.raises(EventStreamError):
        list(streamed(url))
    gc.collect()


def stream_cut(url: str) -> None:
    with pytest.raises(Exception, match="ended prematurely"):
        list(streamed(url))


def refused(url: str) -> None:
    with pytest.raises(ClientError, match="Throttling"):
        converse(url)


def stream_refused(url: str) -> None:
    with pytest.raises(ClientError, match="Throttling"):
        streamed(url)


def late(url: str) -> None:
    client(url, read_timeout=0.3).converse(modelId=CLAUDE, messages=ASK)


def nobody_there(_url: str) -> None:
    with pytest.raises(EndpointConnectionError):
        converse("http://127.0.0.1:9")


def counted(url: str) -> None:
    client(url).count_tokens(modelId=CLAUDE, input={"converse": {"messages": ASK}})


EXACT, PART, FAILED = ("complete", "exact"), ("aborted", "estimated"), ("failed", "unmeasured")
CASES: list[tuple[Callable[[str], None], str, list[tuple[str, str]]]] = [
    (converse, "cached", [EXACT]),
    (stream, "cached", [EXACT]),
    (invoke, "cached", [EXACT]),
    (invoke_by_lines, "cached", [EXACT]),
    (invoke_by_chunks, "cached", [EXACT]),
    (invoke_into_a_buffer, "cached", [EXACT]),
    (invoke_from_the_raw_body, "cached", [EXACT]),
    (invoke_embedding, "", [EXACT]),
    (invoke_stream, "cached", [EXACT]),
    (stream_closed, "", [PART]),
    (invoke_stream_closed, "", [PART]),
    (stream_dropped, "", [PART]),
    (stream_never_read, "", [PART]),
    (invoke_left, "", [("aborted", "exact")]),
    (invoke_never_read, "", [("aborted", "exact")]),
    (stream_with_an_error, "error-event", [("failed", "estimated")]),
    (stream_cut, "cut", [("failed", "estimated")]),
    (converse, "429-once", [FAILED, EXACT]),
    (refused, "429", [FAILED] * 3),
    (stream_refused, "429", [FAILED] * 3),
    (late, "hang-once", [("timeout", "estimated"), EXACT]),
    (nobody_there, "", [FAILED] * 3),
    (counted, "", []),
]


@pytest.fixture
def bedrock(metered: Any) -> Iterator[Provider]:
    with Provider(thinking_s=0) as found:
        yield found


@pytest.mark.parametrize(("call", "traits", "expected"), CASES, ids=[f"{c[0].__name__} {c[1]}".strip() for c in CASES])
def test_each_attempt_is_one_record_equal_to_the_bill(
    call: Callable[[str], None], traits: str, expected: list[tuple[str, str]], bedrock: Provider, metered: Any
) -> None:
    call(f"{bedrock.url}/boto3/case/{traits or 'plain'}")
    spans = metered.collect()
    assert [(span["tollspan.outcome"], span["tollspan.quality"]) for span in spans] == expected
    assert [span["tollspan.attempt"] for span in spans] == [*range(1, len(spans) + 1)]
    assert {span["gen_ai.provider.name"] for span in spans} <= {"aws.bedrock"}
    assert {span["tollspan.retry_of"] for span in spans[1:]} <= {span["tollspan.record.id"] for span in spans[:1]}
    for span, billed in zip(spans, bedrock.attempts, strict=False):
        assert span["gen_ai.request.model"] == billed.model
        if span["tollspan.quality"] == "exact":
            assert span["gen_ai.usage.input_tokens"] == billed.input
            assert (span["gen_ai.usage.output_tokens"] or 0) == billed.output
            assert (span["gen_ai.usage.cache_read.input_tokens"] or 0) == billed.cache_read
            assert (span["gen_ai.usage.cache_write.input_tokens"] or 0) == billed.cache_write


def signature(headers: dict[str, str], url: str, body: bytes) -> str:
    """Sign again what the provider received, as AWS does: over the headers that the request names as signed."""
    said = dict(
        part.strip().split("=", 1) for part in headers["authorization"].removeprefix("AWS4-HMAC-SHA256").split(",")
    )
    signed = {name: headers[name] for name in said["SignedHeaders"].split(";")}
    request = AWSRequest("POST", url, signed, body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials("made-up", "made-up"), "bedrock", "eu-central-1")
    canonical = signer.canonical_request(request)
    assert said["Signature"] == signer.signature(signer.string_to_sign(request, canonical), request)
    return said["SignedHeaders"]


@pytest.mark.parametrize("event", ["before-call", "before-sign", "before-send"])
@pytest.mark.parametrize("retried", [False, True], ids=["once", "retried"])
def test_what_is_said_to_tollspan_is_neither_signed_nor_sent(
    event: str, *, retried: bool, bedrock: Provider, metered: Any
) -> None:
    mine = {"X-Tollspan-Customer": "acme", "Baggage": "customer=acme", "X-Mine": "kept"}
    bodies: list[bytes] = []

    def add(params: Any = None, request: Any = None, **_more: Any) -> None:
        headers = request.headers if request is not None else params["headers"]
        for name, value in mine.items():
            headers[name] = value

    bare = client(url := f"{bedrock.url}/boto3/case/{'429-once' if retried else 'plain'}")
    bare.meta.events.register(f"{event}.bedrock-runtime.Converse", add)
    bare.meta.events.register("before-send.bedrock-runtime.*", lambda request, **_: bodies.append(request.body))
    token = context.attach(baggage.set_baggage("customer", "acme"))
    bare.converse(modelId=CLAUDE, messages=ASK)
    context.detach(token)
    assert [span["tollspan.customer"] for span in metered.collect()] == ["acme"] * (1 + retried)
    for headers, body in zip(bedrock.requests, bodies, strict=True):
        assert "acme" not in str(headers)
        assert headers["x-mine"] == "kept"
        signed = signature(headers, f"{url}/model/{CLAUDE.replace(':', '%3A')}/converse", body)
        assert ("x-mine" in signed) == (event != "before-send")


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_anthropics_client_signs_by_botocore_and_sends_by_httpx(
    *, streams: bool, bedrock: Provider, metered: Any
) -> None:
    url = f"{bedrock.url}/boto3/case/cached"
    claude = anthropic.AnthropicBedrock(
        aws_access_key="made-up", aws_secret_key="made-up", aws_region="eu-central-1", base_url=url
    )
    bodies: list[bytes] = []
    claude._client.event_hooks = {"request": [lambda request: bodies.append(request.content)]}
    mine = {"X-Tollspan-Customer": "acme", "X-Mine": "kept"}
    answer = claude.messages.create(max_tokens=9, messages=[], model=CLAUDE, stream=streams, extra_headers=mine)
    if streams:
        assert [*answer]
    (span,), (billed,), (headers,) = metered.collect(), bedrock.attempts, bedrock.requests
    assert (span["tollspan.customer"], span["gen_ai.usage.input_tokens"]) == ("acme", billed.input)
    action = "invoke-with-response-stream" if streams else "invoke"
    assert "x-mine" in signature(headers, f"{url}/model/{CLAUDE}/{action}", bodies[0])
    assert "acme" not in str(headers)


def test_other_services_pass_untouched(bedrock: Provider, metered: Any) -> None:
    signed: list[bytes] = []
    tables = client(f"{bedrock.url}/other", "dynamodb")

    def add(request: Any, **_more: Any) -> None:
        request.headers["x-tollspan-team"] = "red"

    tables.meta.events.register("before-sign.dynamodb.*", add)
    tables.meta.events.register("before-send.*", lambda request, **_: signed.append(request.headers["Authorization"]))
    with pytest.raises(ClientError):
        tables.list_tables()
    assert metered.collect() == []
    assert [headers["x-tollspan-team"] for headers in bedrock.requests] == ["red"]
    assert b"x-tollspan-team" in signed[0]


def test_a_connection_that_never_opened_cannot_be_billed(metered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib3.connection

    def never(*_args: Any) -> None:
        raise urllib3.exceptions.ConnectTimeoutError

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "_new_conn", never)
    with pytest.raises(ConnectTimeoutError):
        converse("http://127.0.0.1:9")
    assert {span["tollspan.quality"] for span in metered.collect()} == {"unmeasured"}


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_together_with_opentelemetrys_botocore(first: str, bedrock: Provider, metered: Any) -> None:
    if first == "theirs":
        tollspan.uninstall(0)
    BotocoreInstrumentor().instrument()
    tollspan.install(endpoint=metered.sink.url)
    url = f"{bedrock.url}/boto3/case/cached"
    try:
        for call in (converse, stream, invoke, invoke_stream):
            call(url)
        stream_closed(url)
    finally:
        BotocoreInstrumentor().uninstrument()
    converse(url)
    outcomes = [(span["tollspan.outcome"], span["tollspan.quality"]) for span in metered.collect()]
    assert outcomes == [EXACT] * 4 + [PART, EXACT]
