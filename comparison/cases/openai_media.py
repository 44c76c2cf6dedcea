"""What is no chat with the OpenAI SDK: completions, embeddings, audio, images, files, and what is free."""

from __future__ import annotations

import io
import json
from typing import Any

from comparison.case import ESTIMATED, EXACT, UNMEASURED, cases_of
from comparison.cases.openai_chat import ASK, MODEL, WITH_USAGE, aclient, client
from comparison.reading import read

CASES = cases_of("openai")
EMBEDDER, HEARER, PAINTER = "text-embedding-3-small", "gpt-4o-transcribe", "gpt-image-1"


def sound() -> Any:
    """Return a file as the SDK takes it."""
    return ("said.wav", io.BytesIO(b"RIFF" + bytes(400)), "audio/wav")


def picture() -> Any:
    """Return a picture as the SDK takes it."""
    return ("seen.png", io.BytesIO(b"\x89PNG" + bytes(400)), "image/png")


@CASES("OpenAI: completions")
def completions(url: str) -> None:
    client(url).completions.create(model="gpt-3.5-turbo-instruct", prompt="How many?")


@CASES("OpenAI: completions stream")
def completions_stream(url: str) -> None:
    create: Any = client(url).completions.create
    read(create(model="gpt-3.5-turbo-instruct", prompt="How many?", stream=True, stream_options=WITH_USAGE))


@CASES("OpenAI: embeddings")
def embeddings(url: str) -> None:
    client(url).embeddings.create(model=EMBEDDER, input=["How many here?", "How many there?"])


@CASES("OpenAI: embeddings async")
async def embeddings_async(url: str) -> None:
    async with aclient(url) as made:
        await made.embeddings.create(model=EMBEDDER, input="How many?")


@CASES("OpenAI: transcription")
def transcription(url: str) -> None:
    client(url).audio.transcriptions.create(model=HEARER, file=sound())


@CASES("OpenAI: transcription by seconds", traits="seconds")
def transcription_by_seconds(url: str) -> None:
    client(url).audio.transcriptions.create(model="whisper-1", file=sound())


@CASES("OpenAI: transcription stream")
def transcription_stream(url: str) -> None:
    create: Any = client(url).audio.transcriptions.create
    read(create(model=HEARER, file=sound(), stream=True))


@CASES("OpenAI: transcription as text", UNMEASURED)
def transcription_as_text(url: str) -> None:
    client(url).audio.transcriptions.create(model="whisper-1", file=sound(), response_format="text")


@CASES("OpenAI: translation", UNMEASURED)
def translation(url: str) -> None:
    client(url).audio.translations.create(model="whisper-1", file=sound())


@CASES("OpenAI: speech", ESTIMATED)
def speech(url: str) -> None:
    client(url).audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="How many?").read()


@CASES("OpenAI: image")
def image(url: str) -> None:
    client(url).images.generate(model=PAINTER, prompt="How many?")


@CASES("OpenAI: image stream")
def image_stream(url: str) -> None:
    generate: Any = client(url).images.generate
    read(generate(model=PAINTER, prompt="How many?", stream=True))


@CASES("OpenAI: image edit")
def image_edit(url: str) -> None:
    client(url).images.edit(model=PAINTER, image=picture(), prompt="How many?")


def batch(url: str, lines: int = 2) -> Any:
    """Upload requests and make a batch of them; return it as it is when it is retrieved."""
    made = client(url)
    body = {"model": MODEL, "messages": ASK}
    asked = [
        {"custom_id": f"row-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for number in range(lines)
    ]
    given = io.BytesIO("\n".join(map(json.dumps, asked)).encode())
    uploaded = made.files.create(file=("asked.jsonl", given, "application/jsonl"), purpose="batch")
    begun = made.batches.create(input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h")
    return made.batches.retrieve(begun.id)


@CASES("OpenAI: batch create and retrieve", EXACT, EXACT)
def batch_create_and_retrieve(url: str) -> None:
    """The results are in a file, which is read."""
    read(client(url).files.content(batch(url).output_file_id).iter_lines())


@CASES("OpenAI: batch results read twice", EXACT, EXACT, EXACT, EXACT, polls=2)
def batch_results_read_twice(url: str) -> None:
    results = batch(url).output_file_id
    for _ in range(2):
        client(url).files.content(results).read()


@CASES.free("OpenAI: moderation")
def moderation(url: str) -> None:
    client(url).moderations.create(model="omni-moderation-latest", input="How many?")


@CASES.free("OpenAI: models")
def models(url: str) -> None:
    client(url).models.list()
