"""The endpoints as a table: which path is which API, and how it answers whole or as a stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.provider import bedrock_api, gemini_api
from conformance.provider.draw import Draw
from tollspan_rater.demo.provider import anthropic_api, openai_api
from tollspan_rater.demo.provider.answer import Asked, Event

Whole = Callable[[Asked, Draw], dict[str, Any]]
Events = Callable[[Asked, Draw], Iterator[Event | bytes]]
EVENT_STREAM, SERVER_SENT = "application/vnd.amazon.eventstream", "text/event-stream"


@dataclass(frozen=True, slots=True)
class Api:
    """One API: paths that match ``path`` (its group ``model`` names the model), answers, what it can state.

    ``always_streams`` APIs say so in the path, the others in the body.
    """

    name: str
    path: re.Pattern[str]
    prefix: str
    whole: Whole
    events: Events | None = None
    always_streams: bool = False
    stream_type: str = SERVER_SENT
    writes_caches: bool = True
    reads_caches: bool = True
    writes_text: bool = True


def _plain(build: Callable[[Asked], dict[str, Any]]) -> Whole:
    return lambda asked, _drawn: build(asked)


def _streamed(build: Callable[[Asked], Iterator[Event]]) -> Events:
    return lambda asked, _drawn: build(asked)


_GEMINI = r"/models/(?P<model>[^/:]+):"
_BEDROCK = r"/model/(?P<model>[^/]+)/"

APIS: tuple[Api, ...] = (
    Api("openai.chat", re.compile(r"/chat/completions$"), "chatcmpl-",
        _plain(openai_api.chat), _streamed(openai_api.chat_events)),
    Api("openai.responses", re.compile(r"/responses$"), "resp_",
        _plain(openai_api.responses), _streamed(openai_api.responses_events)),
    Api("openai.embeddings", re.compile(r"/embeddings$"), "emb-", _plain(openai_api.embeddings),
        writes_caches=False, reads_caches=False, writes_text=False),
    Api("anthropic.messages", re.compile(r"/messages$"), "msg_",
        _plain(anthropic_api.messages), _streamed(anthropic_api.messages_events)),
    Api("gemini.generate", re.compile(_GEMINI + "generateContent$"), "gen-", gemini_api.generate, writes_caches=False),
    Api("gemini.stream", re.compile(_GEMINI + "streamGenerateContent$"), "gen-",
        gemini_api.generate, gemini_api.generate_events, always_streams=True, writes_caches=False),
    Api("bedrock.converse", re.compile(_BEDROCK + "converse$"), "br-", bedrock_api.converse),
    Api("bedrock.stream", re.compile(_BEDROCK + "converse-stream$"), "br-",
        bedrock_api.converse, bedrock_api.converse_events, always_streams=True, stream_type=EVENT_STREAM),
)  # fmt: skip


def api_of(path: str) -> tuple[Api, str] | None:
    """Return the API of a path and the model that the path names ("" when the body does)."""
    for api in APIS:
        found = api.path.search(path)
        if found:
            return api, found.groupdict().get("model") or ""
    return None
