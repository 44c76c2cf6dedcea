"""Realtime sessions with the OpenAI SDK, over a websocket."""

from __future__ import annotations

from typing import Any

from comparison.case import ABORTED, EXACT, cases_of
from comparison.cases.openai_chat import aclient, client

CASES = cases_of("openai")
MODEL = "gpt-realtime"


@CASES("OpenAI realtime: two responses", EXACT, EXACT)
def two_responses(url: str) -> None:
    with client(url).realtime.connect(model=MODEL) as session:
        for _ in range(2):
            session.response.create()
            until_done(session)


@CASES("OpenAI realtime: async")
async def asynchronous(url: str) -> None:
    async with aclient(url).realtime.connect(model=MODEL) as session:
        await session.response.create()
        async for event in session:
            if event.type == "response.done":
                return


@CASES("OpenAI realtime: closed inside a response", ABORTED)
def closed_inside_a_response(url: str) -> None:
    said: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How many?"}]}
    with client(url).realtime.connect(model=MODEL) as session:
        session.conversation.item.create(item=said)
        session.response.create()
        next(iter(session))


def until_done(session: Any) -> None:
    """Read events to the end of a response."""
    for event in session:
        if event.type == "response.done":
            return
