"""OpenAI's images and audio: usage by tokens, by seconds, or not at all."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.provider.endpoint import Api, Call, Payload, Request
from tollspan_rater.demo.provider.answer import CREATED, WORDS, Event

_PIXEL = base64.b64encode(b"\x89PNG made up").decode()
_IMAGE: Mapping[str, Any] = {
    "background": "opaque", "output_format": "png", "quality": "high", "size": "1024x1024",
}  # fmt: skip
SOUND = b"ID3 made up " * 64


def images(call: Call) -> dict[str, Any]:
    """Return generated or edited images; the GPT image models state tokens, DALL-E none."""
    number = call.drawn.unit("image") or 1
    data = [{"b64_json": _PIXEL, "revised_prompt": None} for _ in range(number)]
    body = {"created": CREATED, "data": data, **_IMAGE}
    return body if _is_dalle(call.request) else {**body, "usage": image_usage(call)}


def images_events(call: Call) -> Iterator[Event]:
    """Return a streamed image: a preview, then the whole with its usage."""
    kind = "image_edit" if "edits" in call.request.named["kind"] else "image_generation"
    about = {"created_at": CREATED, "b64_json": _PIXEL, **_IMAGE}
    partial, completed = f"{kind}.partial_image", f"{kind}.completed"
    yield Event({"type": partial, "partial_image_index": 0, **about}, partial)
    yield Event({"type": completed, **about, "usage": image_usage(call)}, completed)


def image_usage(call: Call) -> dict[str, Any]:
    """Return the usage of images: text and images of the prompt in details, the output is images."""
    counts, seen = call.drawn.counts, call.drawn.unit("image_in")
    return {
        "input_tokens": counts.input,
        "input_tokens_details": {"text_tokens": counts.input - seen, "image_tokens": seen},
        "output_tokens": counts.output,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": counts.output},
        "total_tokens": counts.input + counts.output,
    }


def _is_dalle(request: Request) -> bool:
    return request.model.startswith("dall-e")


def _image_terms(request: Request) -> Mapping[str, Any]:
    return {"units": ("image",), "reads_text": False, "writes_text": False} if _is_dalle(request) else {}


def transcription(call: Call) -> Any:
    """Return a transcription as JSON with usage, or as text without."""
    text, seconds = "".join(WORDS), call.drawn.unit("audio_second")
    wanted = str(call.request.body.get("response_format") or "json")
    if wanted not in {"json", "verbose_json", "diarized_json"}:
        return Payload(text.encode(), "text/plain; charset=utf-8")
    verbose = {"language": "english", "duration": float(seconds), "segments": []} if wanted != "json" else {}
    if call.request.named["kind"] == "translations":
        return {**verbose, "text": text}
    return {**verbose, "text": text, "usage": transcription_usage(call)}


def transcription_events(call: Call) -> Iterator[Event]:
    """Return a streamed transcription: text in deltas, then the whole with its usage."""
    for word in WORDS:
        yield Event({"type": "transcript.text.delta", "delta": word})
    yield Event({"type": "transcript.text.done", "text": "".join(WORDS), "usage": transcription_usage(call)})
    yield Event("[DONE]")


def transcription_usage(call: Call) -> dict[str, Any]:
    """Return the usage of a transcription: seconds, or tokens whose details are spelled in the singular."""
    counts, units = call.drawn.counts, call.drawn.units
    if "audio_second" in units:
        return {"type": "duration", "seconds": units["audio_second"]}
    heard = units["audio_in"]
    return {
        "type": "tokens",
        "input_tokens": counts.input,
        "input_token_details": {"text_tokens": counts.input - heard, "audio_tokens": heard},
        "output_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
    }


def _transcription_terms(request: Request) -> Mapping[str, Any]:
    by_seconds = request.model.startswith("whisper") or "seconds" in request.traits
    return {"units": ("audio_second",), "reads_text": False, "writes_text": False} if by_seconds else {}


def speech(call: Call) -> Payload:
    """Return speech: sound, with no word of what it costs."""
    return Payload(SOUND, "audio/mpeg", {"x-request-id": f"req_{call.response_id}"})


def speech_events(call: Call) -> Iterator[Event]:
    """Return streamed speech, the one form of it that states its usage."""
    counts = call.drawn.counts
    sums = {
        "input_tokens": counts.input,
        "output_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
    }
    yield Event({"type": "speech.audio.delta", "audio": base64.b64encode(SOUND).decode()})
    yield Event({"type": "speech.audio.done", "usage": sums})


def _speech_terms(request: Request) -> Mapping[str, Any]:
    return {"streams": "always" if request.body.get("stream_format") == "sse" else "asked"}


_PLAIN: Mapping[str, Any] = {"writes_caches": False, "reads_caches": False, "tells_reasoning": False}

APIS = (
    Api("openai.images", "/images/(?P<kind>generations|edits|variations)", "img-", images, images_events,
        optional=("image_in",), terms=_image_terms, **_PLAIN),
    Api("openai.transcriptions", "/audio/(?P<kind>transcriptions)", "tr-", transcription, transcription_events,
        units=("audio_in",), terms=_transcription_terms, **_PLAIN),
    Api("openai.translations", "/audio/(?P<kind>translations)", "tr-", transcription,
        terms=_transcription_terms, **_PLAIN),
    Api("openai.speech", "/audio/speech", "sp-", speech, speech_events, terms=_speech_terms, **_PLAIN),
)  # fmt: skip
