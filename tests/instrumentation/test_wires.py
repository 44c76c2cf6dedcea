"""aiohttp and requests: the same answers, streams, ends and errors as any wire, each against the provider's bill."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import requests
import urllib3
from opentelemetry import baggage, context

import tollspan
from tollspan.wire import aiohttp as aiohttp_wire
from tollspan.wire import requests as requests_wire

COUNTS = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
MESSAGES = {"model": "claude-sonnet-4", "max_tokens": 9, "messages": BODY["messages"], "stream": True}


def requests_whole(url: str) -> None:
    assert requests.post(f"{url}/v1/chat/completions", json=BODY, timeout=9).json()["usage"]


def requests_session(url: str) -> None:
    with requests.Session() as session:
        session.post(f"{url}/v1/messages", json={**MESSAGES, "stream": False}, timeout=9).raise_for_status()


def requests_lines(url: str) -> None:
    with requests.post(f"{url}/v1/chat/completions", json=STREAM, stream=True, timeout=9) as answer:
        assert [line for line in answer.iter_lines() if line][-1] == b"data: [DONE]"


def requests_text(url: str) -> None:
    with requests.post(f"{url}/v1/messages", json=MESSAGES, stream=True, timeout=9) as answer:
        answer.encoding = "utf-8"
        assert "message_stop" in "".join(answer.iter_content(100, decode_unicode=True))


def requests_read_late(url: str) -> None:
    assert requests.post(f"{url}/v1/chat/completions", json=BODY, stream=True, timeout=9).json()["usage"]


def requests_left(url: str) -> None:
    with requests.post(f"{url}/v1/chat/completions", json=STREAM, stream=True, timeout=9) as answer:
        next(answer.iter_lines())


def requests_dropped(url: str) -> None:
    lines = requests.post(f"{url}/v1/chat/completions", json=STREAM, stream=True, timeout=9).iter_lines()
    next(lines)
    del lines
    gc.collect()


def requests_refused(url: str) -> None:
    assert (
        requests.post(f"{url}/v1/chat/completions", json={**BODY, "model": "gpt-4o!429"}, timeout=9).status_code == 429
    )


def requests_cut(url: str) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.post(f"{url}/v1/chat/completions", json={**STREAM, "model": "gpt-4o!cut"}, timeout=9)


def requests_nobody_there(_url: str) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.post("http://127.0.0.1:9/v1/chat/completions", json=BODY, timeout=9)


def urllib3_whole(url: str) -> None:
    assert urllib3.request("POST", f"{url}/v1/chat/completions", json=BODY).json()["usage"]


def urllib3_pool(url: str) -> None:
    pool = urllib3.connectionpool.connection_from_url(url)
    answer = pool.urlopen("POST", "/v1/messages", json.dumps({**MESSAGES, "stream": False}), {"x-mine": "kept"}, 1)
    assert answer.json()["usage"]


def _urllib3_stream(url: str, body: dict[str, Any]) -> Any:
    return urllib3.request("POST", f"{url}/v1/chat/completions", json=body, preload_content=False, retries=False)


def urllib3_lines(url: str) -> None:
    assert [line for line in _urllib3_stream(url, STREAM) if line.strip()][-1].strip() == b"data: [DONE]"


def urllib3_read1(url: str) -> None:
    answer = _urllib3_stream(url, STREAM)
    while answer.read1():
        pass


def urllib3_left(url: str) -> None:
    answer = _urllib3_stream(url, STREAM)
    next(answer.stream(9))
    answer.close()


def urllib3_dropped(url: str) -> None:
    answer = _urllib3_stream(url, STREAM)
    answer.read(9)
    del answer
    gc.collect()


def urllib3_refused(url: str) -> None:
    assert urllib3.request("POST", f"{url}/v1/chat/completions", json={**BODY, "model": "gpt-4o!429"}).status == 429


def urllib3_cut(url: str) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError):
        _urllib3_stream(url, {**STREAM, "model": "gpt-4o!cut"}).read()


def urllib3_nobody_there(_url: str) -> None:
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        urllib3.request("POST", "http://127.0.0.1:9/v1/chat/completions", json=BODY, retries=1)


async def _posted(url: str, body: dict[str, Any], **how: Any) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession(**how) as session:
        answer = await session.post(url, json=body)
        await answer.read()
        return answer


def aiohttp_whole(url: str) -> None:
    assert asyncio.run(_posted(f"{url}/v1/chat/completions", BODY)).status == 200


def aiohttp_bytes(url: str) -> None:
    async def sent() -> None:
        async with (
            aiohttp.ClientSession(base_url=url) as session,
            session.request("post", "/v1/messages", data=json.dumps({**MESSAGES, "stream": False})) as answer,
        ):
            assert (await answer.json())["usage"]

    asyncio.run(sent())


def aiohttp_lines(url: str) -> None:
    async def sent() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/v1/chat/completions", json=STREAM) as answer,
        ):
            assert [line async for line in answer.content if line.strip()][-1] == b"data: [DONE]\n"

    asyncio.run(sent())


def aiohttp_refused(url: str) -> None:
    assert asyncio.run(_posted(f"{url}/v1/chat/completions", {**BODY, "model": "gpt-4o!429"})).status == 429


def aiohttp_raised(url: str) -> None:
    with pytest.raises(aiohttp.ClientResponseError):
        asyncio.run(_posted(f"{url}/v1/chat/completions", {**BODY, "model": "gpt-4o!429"}, raise_for_status=True))


def aiohttp_cut(url: str) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        asyncio.run(_posted(f"{url}/v1/chat/completions", {**STREAM, "model": "gpt-4o!cut"}))


def aiohttp_nobody_there(_url: str) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(_posted("http://127.0.0.1:9/v1/chat/completions", BODY))


EXACT, PART = ("complete", "exact"), ("aborted", "estimated")
REFUSED, CUT, UNSENT = ("failed", "unmeasured"), ("failed", "estimated"), ("failed", "unmeasured")
CASES: dict[Callable[[str], None], tuple[str, str]] = {
    requests_whole: EXACT,
    requests_session: EXACT,
    requests_lines: EXACT,
    requests_text: EXACT,
    requests_read_late: EXACT,
    requests_left: PART,
    requests_dropped: PART,
    requests_refused: REFUSED,
    requests_cut: CUT,
    requests_nobody_there: UNSENT,
    urllib3_whole: EXACT,
    urllib3_pool: EXACT,
    urllib3_lines: EXACT,
    urllib3_read1: EXACT,
    urllib3_left: PART,
    urllib3_dropped: PART,
    urllib3_refused: REFUSED,
    urllib3_cut: CUT,
    urllib3_nobody_there: UNSENT,
    aiohttp_whole: EXACT,
    aiohttp_bytes: EXACT,
    aiohttp_lines: EXACT,
    aiohttp_refused: REFUSED,
    aiohttp_raised: REFUSED,
    aiohttp_cut: CUT,
    aiohttp_nobody_there: UNSENT,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_each_request_is_one_record_equal_to_the_bill(case: Callable[[str], None], metered: Any) -> None:
    case(metered.provider.url)
    (span,) = metered.collect()
    assert (span["tollspan.outcome"], span["tollspan.quality"]) == CASES[case]
    if CASES[case] == EXACT:
        (entry,) = metered.provider.bill.entries
        assert {name: span[attribute] for name, attribute in COUNTS.items()} == {name: entry[name] for name in COUNTS}


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
EVENT = {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 9, "output_tokens": 1}}}


async def _left(leave: Callable[[aiohttp.ClientResponse], Any]) -> None:
    """A stream of which one event came, and a reader that leaves then."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"data: " + json.dumps(EVENT).encode() + b"\n\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"http://127.0.0.1:{port}/v1/messages", json=MESSAGES)
        await answer.content.readline()
        leave(answer)
        del answer
        gc.collect()
    server.close()


@pytest.mark.parametrize(
    ("leave", "outcome"),
    [
        (lambda answer: answer.close(), "aborted"),
        (lambda answer: answer.release(), "aborted"),
        (lambda _answer: None, "failed"),
    ],
    ids=["close", "release", "end of the session"],
)
@pytest.mark.filterwarnings("ignore:Unclosed response")
def test_a_stream_that_is_left_holds_what_was_told(leave: Callable[..., None], outcome: str, metered: Any) -> None:
    asyncio.run(_left(leave))
    (span,) = metered.collect()
    assert (span["tollspan.outcome"], span["tollspan.quality"]) == (outcome, "estimated")
    assert span["gen_ai.usage.input_tokens"] == 9


@pytest.mark.parametrize(
    "case", [requests_whole, aiohttp_whole, aiohttp_bytes, urllib3_whole], ids=lambda case: case.__name__
)
def test_baggage_never_reaches_the_provider(case: Callable[[str], None], metered: Any) -> None:
    token = context.attach(baggage.set_baggage("customer", "acme"))
    with tollspan.attribute(customer="acme"):
        case(metered.provider.url)
    context.detach(token)
    assert not any("acme" in str(headers) for headers in metered.provider.requests)
    assert [span["tollspan.customer"] for span in metered.collect()] == ["acme"]


def test_a_baggage_header_of_the_application_is_dropped(metered: Any) -> None:
    url, headers = f"{metered.provider.url}/v1/chat/completions", {"Baggage": "customer=acme", "X-Mine": "kept"}
    requests.post(url, json=BODY, headers=headers, timeout=9)

    async def sent() -> None:
        async with aiohttp.ClientSession() as session, session.post(url, json=BODY, headers=headers) as answer:
            await answer.read()

    asyncio.run(sent())
    urllib3.request("POST", url, json=BODY, headers=headers)
    urllib3.PoolManager(headers=headers).request("POST", url, body=json.dumps(BODY))
    assert [("baggage" in one, one["x-mine"]) for one in metered.provider.requests] == [(False, "kept")] * 4
    assert headers["Baggage"]


def test_usage_is_asked_for_and_taken_out_again(metered: Any) -> None:
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url, include_usage_hosts=("127.0.0.1",))
    url = f"{metered.provider.url}/v1/chat/completions"
    with requests.post(url, json={**BODY, "stream": True}, stream=True, timeout=9) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert not any(b'"usage":{' in line for line in lines)
    (span,) = metered.collect()
    assert span["tollspan.quality"] == "exact"


def test_coming_and_going_a_hundred_times_restores_the_originals(metered: Any) -> None:
    tollspan.uninstall()
    originals = [vars(requests.Session)["send"], vars(aiohttp.ClientSession)["_request"]]
    for _ in range(100):
        tollspan.install(endpoint=metered.sink.url)
        assert [seam.hooked() for seam in (*aiohttp_wire.SEAMS, *requests_wire.SEAMS)] == [[True, True], [True]]
        tollspan.uninstall(0)
    assert [vars(requests.Session)["send"], vars(aiohttp.ClientSession)["_request"]] == originals
    requests_whole(metered.provider.url)
    aiohttp_whole(metered.provider.url)
    assert metered.sink.spans == []


def test_foreign_traffic_passes_untouched(metered: Any) -> None:
    assert requests.get(f"{metered.provider.url}/bill", timeout=9).json() == []
    assert metered.collect() == []
