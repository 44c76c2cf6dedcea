"""Bodies are read the same however they are cut."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan import estimate
from tollspan.answer import Answer
from tollspan.forms import FORMS
from tollspan.stream import EventReader
from tollspan.swallow import UsageChunk

USAGE_CHUNK = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
STREAM = (
    b'data: {"id":"c1","model":"m","choices":[{"delta":{"content":"12345678"}}],"usage":null}\r\n\r\n'
    b'data: {"id":"c1","choices":[{"delta":{"content":"\\"usage\\":{ said"},"finish_reason":null}]}\n\n'
    b'data: {"id":"c1","choices":[{"delta":{},"finish_reason":"stop"}]}\n\n' + USAGE_CHUNK + b"data: [DONE]\n\n"
)


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_stream_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    answer = Answer(FORMS["openai.chat"])
    reader, chunk, passed = EventReader(answer), UsageChunk(), b""
    for start, end in itertools.pairwise(edges):
        reader.feed(STREAM[start:end])
        passed += chunk.feed(STREAM[start:end])
    reader.end()
    passed += chunk.rest()
    assert answer.usage == {"prompt_tokens": 3, "completion_tokens": 4}
    assert (answer.response_id, answer.model, answer.finish_reasons, answer.terminal) == ("c1", "m", ("stop",), True)
    assert passed == STREAM.replace(USAGE_CHUNK, b"")
    assert estimate.written_tokens("openai.chat", reader.documents()) == 6


def test_images_do_not_count_as_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9000}}
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 400}, image]}]}
    assert 100 <= estimate.prompt_tokens(body) <= 110
