"""The responses API with the OpenAI SDK."""

from __future__ import annotations

from typing import Any

from comparison.case import ABORTED, BROKEN, EXACT, REFUSED, UNMEASURED, cases_of
from comparison.cases.openai_chat import MODEL, PLACE, REASONER, USED, Weather, aclient, client
from comparison.reading import aread, cancel, close_after, drop, failing, read

CASES = cases_of("openai")
TOOL: Any = {"type": "function", "name": "weather", "parameters": PLACE, "strict": False}


def respond(url: str, model: str = REASONER, **more: Any) -> Any:
    """Make one response."""
    return client(url).responses.create(model=model, input=more.pop("input", "How many?"), **more)


@CASES("OpenAI responses: sync", traits=USED)
def sync(url: str) -> None:
    respond(url)


@CASES("OpenAI responses: async", traits=USED)
async def asynchronous(url: str) -> None:
    async with aclient(url) as made:
        await made.responses.create(model=REASONER, input="How many?")


@CASES("OpenAI responses: stream", traits=USED)
def stream(url: str) -> None:
    read(respond(url, stream=True))


@CASES("OpenAI responses: stream async", traits=USED)
async def stream_async(url: str) -> None:
    async with aclient(url) as made:
        await aread(await made.responses.create(model=REASONER, input="How many?", stream=True))


@CASES("OpenAI responses: stream helper", traits=USED)
def stream_helper(url: str) -> None:
    with client(url).responses.stream(model=REASONER, input="How many?") as made:
        read(made)


@CASES("OpenAI responses: stream abort close", ABORTED)
def stream_abort_close(url: str) -> None:
    close_after(3, respond(url, stream=True))


@CASES("OpenAI responses: stream abort drop", ABORTED)
def stream_abort_drop(url: str) -> None:
    drop(lambda: respond(url, stream=True))


@CASES("OpenAI responses: stream async cancel", ABORTED)
async def stream_async_cancel(url: str) -> None:
    async with aclient(url) as made:
        await cancel(lambda: made.responses.create(model=MODEL, input="How many?", stream=True))


@CASES("OpenAI responses: stream server cut", BROKEN, traits="cut")
def stream_server_cut(url: str) -> None:
    failing(Exception, lambda: read(respond(url, stream=True)))


@CASES("OpenAI responses: parse", traits=f"{USED}+json")
def parse(url: str) -> None:
    client(url).responses.parse(model=REASONER, input="How many?", text_format=Weather)


@CASES("OpenAI responses: raw response", traits=USED)
def raw_response(url: str) -> None:
    client(url).responses.with_raw_response.create(model=REASONER, input="How many?").parse()


@CASES("OpenAI responses: streaming response", traits=USED)
def streaming_response(url: str) -> None:
    with client(url).responses.with_streaming_response.create(model=REASONER, input="How many?") as answer:
        answer.read()


@CASES("OpenAI responses: tools", traits=USED)
def tools(url: str) -> None:
    respond(url, tools=[TOOL])


@CASES("OpenAI responses: tool and its answer", EXACT, EXACT)
def tool_and_its_answer(url: str) -> None:
    first = respond(url, MODEL, tools=[TOOL])
    said: Any = [
        {"role": "user", "content": "Weather?"},
        first.output[0].model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "rain"},
    ]
    respond(url, MODEL, input=said, tools=[TOOL])


@CASES("OpenAI responses: websocket session", EXACT, EXACT)
def websocket_session(url: str) -> None:
    with client(url).responses.connect() as session:
        for _ in range(2):
            session.response.create(model=MODEL, input="How many?")
            for event in session:
                if event.type == "response.completed":
                    break


@CASES("OpenAI responses: web search", traits=f"{USED}+web-search")
def web_search(url: str) -> None:
    respond(url, tools=[{"type": "web_search"}])


@CASES("OpenAI responses: background then retrieve", UNMEASURED, EXACT, traits=USED)
def background_then_retrieve(url: str) -> None:
    begun = respond(url, background=True)
    client(url).responses.retrieve(begun.id)


@CASES("OpenAI responses: background retrieve twice", UNMEASURED, EXACT, EXACT, traits=USED, polls=1)
def background_retrieve_twice(url: str) -> None:
    begun = respond(url, background=True)
    client(url).responses.retrieve(begun.id)
    client(url).responses.retrieve(begun.id)


@CASES("OpenAI responses: retrieve what was answered", EXACT, EXACT, traits=USED, polls=1)
def retrieve_what_was_answered(url: str) -> None:
    client(url).responses.retrieve(respond(url).id)


@CASES("OpenAI responses: retry 500 then ok", REFUSED, EXACT, traits="500-once")
def retry_500_then_ok(url: str) -> None:
    respond(url)


@CASES("OpenAI responses: compact", traits=USED)
def compact(url: str) -> None:
    client(url).responses.compact(model=REASONER, input="How many?")


@CASES.free("OpenAI responses: input tokens")
def input_tokens(url: str) -> None:
    client(url).responses.input_tokens.count(model=MODEL, input="How many?")
