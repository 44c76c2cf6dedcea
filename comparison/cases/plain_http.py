"""Providers called without any SDK, by the HTTP libraries themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx
import requests

from comparison.case import ABORTED, ESTIMATED, cases_of
from comparison.reading import aread, read

CASES = cases_of("")
CHAT: Mapping[str, Any] = {"model": "o4-mini", "messages": [{"role": "user", "content": "How many tokens is this?"}]}
STREAM: Mapping[str, Any] = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
CLAUDE: Mapping[str, Any] = {**CHAT, "model": "claude-sonnet-4-5", "max_tokens": 99}
GEMINI: Mapping[str, Any] = {"contents": [{"parts": [{"text": "How many?"}]}]}
PATH = "/v1/chat/completions"
USED = "cached+reasoning"
HTTP = httpx.Client(verify=False)  # noqa: S501 - to loopback, and making one reads all certificates otherwise


@CASES("httpx: chat", traits=USED)
def httpx_chat(url: str) -> None:
    HTTP.post(f"{url}{PATH}", json=CHAT).json()


@CASES("httpx: chat stream by lines", traits=USED)
def httpx_chat_stream_by_lines(url: str) -> None:
    with HTTP.stream("POST", f"{url}{PATH}", json=STREAM) as answer:
        read(answer.iter_lines())


@CASES("httpx: chat stream abort close", ABORTED)
def httpx_chat_stream_abort_close(url: str) -> None:
    with HTTP.stream("POST", f"{url}{PATH}", json=STREAM) as answer:
        next(answer.iter_lines())


@CASES("httpx: chat stream async", traits=USED)
async def httpx_chat_stream_async(url: str) -> None:
    async with httpx.AsyncClient(verify=False) as made, made.stream("POST", f"{url}{PATH}", json=STREAM) as answer:  # noqa: S501 - as above
        await aread(answer.aiter_bytes())


@CASES("httpx: Gemini stream without events", traits=USED)
def httpx_gemini_stream_without_events(url: str) -> None:
    path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"
    with HTTP.stream("POST", f"{url}{path}", json=GEMINI) as answer:
        read(answer.iter_bytes())


@CASES("requests: chat", traits=USED)
def requests_chat(url: str) -> None:
    requests.post(f"{url}{PATH}", json=CHAT, timeout=10).json()


@CASES("requests: chat stream by lines", traits=USED)
def requests_chat_stream_by_lines(url: str) -> None:
    with requests.post(f"{url}{PATH}", json=STREAM, stream=True, timeout=10) as answer:
        read(answer.iter_lines())


@CASES("requests: chat stream abort close", ABORTED)
def requests_chat_stream_abort_close(url: str) -> None:
    with requests.post(f"{url}{PATH}", json=STREAM, stream=True, timeout=10) as answer:
        next(answer.iter_lines())


@CASES("requests: Anthropic messages", traits=USED)
def requests_anthropic_messages(url: str) -> None:
    requests.post(f"{url}/v1/messages", data=json.dumps(CLAUDE), timeout=10).json()


@CASES("requests: no usage", ESTIMATED, traits="no-usage")
def requests_no_usage(url: str) -> None:
    requests.post(f"{url}{PATH}", json=CHAT, timeout=10).json()


@CASES("aiohttp: chat", traits=USED)
async def aiohttp_chat(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{url}{PATH}", json=CHAT) as answer:
        await answer.json()


@CASES("aiohttp: chat stream by lines", traits=USED)
async def aiohttp_chat_stream_by_lines(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{url}{PATH}", json=STREAM) as answer:
        await aread(answer.content)


@CASES("aiohttp: chat stream abort close", ABORTED, traits="slow")
async def aiohttp_chat_stream_abort_close(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{url}{PATH}", json=STREAM) as answer:
        await answer.content.readline()


@CASES("aiohttp: Gemini", traits=USED)
async def aiohttp_gemini(url: str) -> None:
    path = "/v1beta/models/gemini-2.5-pro:generateContent"
    async with aiohttp.ClientSession() as session, session.post(f"{url}{path}", json=GEMINI) as answer:
        await answer.json()
