"""How much a call used, and how good that is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollspan.answer import Answer
from tollspan.forms import FORMS
from tollspan.measure import Measured, measure
from tollspan.reader import reader_of
from tollspan.routes import route
from tollspan.semconv import Outcome
from tollspan.sent import Sent
from tollspan.usage import TokenCounts

CHAT, CLAUDE, GEMINI = "/v1/chat/completions", "/v1/messages", "/v1beta/models/gemini-3-pro:streamGenerateContent"
IMAGES, EMBED = "/v1/images/generations", "/v1/embeddings"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "x" * 40}], "input": "y" * 40}


def measured(
    path: str,
    *documents: Any,
    stream: bool = False,
    outcome: Outcome = "complete",
    billable: bool = True,
    headers: dict[str, str] | None = None,
) -> Measured:
    found = route("POST", path, None)
    assert found is not None
    assert found.api is not None
    body = {**ASKED, "stream": stream}
    asked = Sent(found.api, found, found.provider, "host", path, body, json.dumps(body).encode())
    answer = Answer(FORMS[found.api])
    reader = reader_of("text/event-stream" if stream else "application/json", answer)
    for document in documents:
        text = json.dumps(document).encode()
        reader.feed(b"data: " + text + b"\n\n" if stream else text)
    reader.end()
    answer.hear((headers or {}).get)
    return measure(asked, answer, reader, outcome, billable=billable)


def said(**usage: Any) -> dict[str, Any]:
    return {"id": "1", "model": "m", "usage": usage}


@pytest.mark.parametrize(
    ("path", "document", "counts", "quality"),
    [
        (CHAT, said(prompt_tokens=3, completion_tokens=4), TokenCounts(3, None, None, 4, None), "exact"),
        (EMBED, said(prompt_tokens=3), TokenCounts(3), "exact"),
        (CHAT, said(prompt_tokens=3), TokenCounts(3, None, None, 0, None), "estimated"),
        (
            CHAT,
            {"choices": [{"message": {"content": "z" * 8}}]},
            TokenCounts(21, None, None, 2, None),
            "estimated",
        ),
        (EMBED, {"data": []}, TokenCounts(21), "estimated"),
        (IMAGES, {"data": []}, TokenCounts(), "unmeasured"),
    ],
)
def test_a_whole_answer(path: str, document: Any, counts: TokenCounts, quality: str) -> None:
    found = measured(path, document)
    assert (found.counts, found.quality) == (counts, quality)


def test_nothing_is_estimated_where_nothing_can_have_been_charged() -> None:
    assert measured(CHAT, {"error": {}}, billable=False).quality == "unmeasured"


def test_a_stream_that_was_cut_has_no_placeholder() -> None:
    start = {"type": "message_start", "message": said(input_tokens=9, output_tokens=1)}
    text = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "z" * 40}}
    found = measured(CLAUDE, start, text, stream=True, outcome="aborted")
    assert (found.raw, found.quality) == ({"input_tokens": 9}, "estimated")
    assert (found.counts.input, found.counts.output) == (9, 10)


def test_a_stream_that_was_cut_behind_its_last_word_is_exact() -> None:
    start = {"type": "message_start", "message": said(input_tokens=9, output_tokens=1)}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 30}}
    found = measured(CLAUDE, start, end, stream=True, outcome="aborted")
    assert (found.counts.output, found.quality) == (30, "exact")


def test_counts_that_were_still_growing_are_a_lower_bound() -> None:
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
    found = measured(GEMINI, {"usageMetadata": usage}, stream=True, outcome="failed")
    assert (found.counts.output, found.quality) == (4, "lower_bound")


def test_headers_fill_what_the_body_leaves_out() -> None:
    headers = {"x-amzn-bedrock-input-token-count": "30", "x-amzn-bedrock-output-token-count": "51"}
    found = measured("/model/m/invoke", {"usage": {"inputTokens": 30}}, headers=headers)
    assert (found.api, found.counts.output, found.quality) == ("bedrock.invoke_model", 51, "exact")
    whole = measured("/model/m/invoke", {"usage": {"inputTokens": 30, "outputTokens": 50}}, headers=headers)
    assert (whole.api, whole.counts.output) == ("bedrock.converse", 50)


def test_tools_stand_beside_usage_and_images_in_its_place() -> None:
    search = {"type": "web_search_call", "action": {"type": "search"}}
    found = measured("/v1/responses", {**said(input_tokens=1, output_tokens=2), "output": [search]})
    assert found.raw == {"input_tokens": 1, "output_tokens": 2, "tollspan": {"web_search": 1}}
    pictures = [{"url": "a"}, {"b64_json": "b"}]
    alone, beside = measured(IMAGES, {"data": pictures}), measured(IMAGES, {"data": pictures, **said(input_tokens=1)})
    assert (alone.raw, alone.quality) == ({"tollspan": {"image": 2}}, "exact")
    assert beside.raw == {"input_tokens": 1}
