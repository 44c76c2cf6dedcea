"""A small support assistant, written with the openai and anthropic SDKs as their documentation shows.

It knows nothing of metering. Where the SDKs send their requests is their own configuration
(OPENAI_BASE_URL, ANTHROPIC_BASE_URL, OPENAI_API_KEY, ANTHROPIC_API_KEY).
"""

import asyncio

from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}},
            "required": ["place"],
        },
    },
}


def answer_with_a_tool(client: OpenAI) -> str:
    messages = [{"role": "user", "content": "Do I need an umbrella in Oslo?"}]
    first = client.chat.completions.create(model="gpt-5-mini", messages=messages, tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "Rain, 7 degrees"}]
    second = client.chat.completions.create(model="gpt-5-mini", messages=messages)
    return second.choices[0].message.content


def stream_an_answer(client: OpenAI) -> str:
    stream = client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=[{"role": "user", "content": "Tell me about invoices."}],
        stream=True,
        stream_options={"include_usage": True},
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def respond(client: OpenAI) -> str:
    return client.responses.create(model="gpt-5-mini", input="Summarise the refund policy.").output_text


def embed(client: OpenAI) -> int:
    documents = ["How refunds work", "How invoices work"]
    return len(client.embeddings.create(model="text-embedding-3-small", input=documents).data)


def write_a_letter(client: Anthropic) -> str:
    with client.messages.stream(
        model="claude-sonnet-5",
        max_tokens=512,
        messages=[{"role": "user", "content": "Write a friendly reminder."}],
    ) as stream:
        return "".join(stream.text_stream)


async def compare() -> list[str]:
    question = [{"role": "user", "content": "Which plan fits a team of five?"}]
    async with AsyncOpenAI() as gpt, AsyncAnthropic() as claude:
        one, other = await asyncio.gather(
            gpt.chat.completions.create(model="gpt-4.1-mini", messages=question),
            claude.messages.create(model="claude-haiku-5-5", max_tokens=256, messages=question),
        )
    return [one.choices[0].message.content, other.content[0].text]


def main() -> None:
    gpt, claude = OpenAI(), Anthropic()
    print("tool:", answer_with_a_tool(gpt))
    print("stream:", stream_an_answer(gpt))
    print("response:", respond(gpt))
    print("embeddings:", embed(gpt))
    print("letter:", write_a_letter(claude))
    print("compared:", *asyncio.run(compare()))


if __name__ == "__main__":
    main()
