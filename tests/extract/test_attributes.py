"""Content goes, what extraction reads stays, and of mixed attributes only ids and numbers stay."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.extract.attributes import CONTENT_KEYS, CONTENT_PREFIXES, KEPT_KEYS, is_content, is_kept, reduced
from tollspan_rater.extract.dialects.registry import ALL

CONTENT = [
    "gen_ai.input.messages",
    "gen_ai.prompt.0.content",
    "gen_ai.event.content",
    "llm.prompts",
    "traceloop.entity.input",
    "ai.prompt",
    "ai.prompt.messages",
    "ai.response.text",
    "ai.toolCall.args",
    "langfuse.observation.output",
    "logfire.msg",
    "pydantic_ai.all_messages",
    "tool_arguments",
    "request_data",
    "llm.openai.choices",
    "input.value",
    "llm.input_messages.0.message.content",
    "gen_ai.system_instructions",
    "gen_ai.task.input",
    "gen_ai.task.output",
    "gen_ai.tool.args",
    "message.tool_calls.0.tool_call.function.arguments",
    "llm.None.input",
    "inputs",
    "embeddings",
]
KEPT = [
    "tollspan.usage.raw",
    "gen_ai.usage.input_tokens",
    "gen_ai.prompt.name",
    "ai.response.providerMetadata",
    "langfuse.observation.usage_details",
    "llm.token_count.prompt",
    "customer.id",
    "openinference.span.kind",
    "llm.anthropic.usage",
    "operation.cost",
]


@pytest.mark.parametrize("key", CONTENT)
def test_content_is_told(key: str) -> None:
    assert is_content(key)
    assert not is_kept(key)


@pytest.mark.parametrize("key", KEPT)
def test_what_is_read_is_kept(key: str) -> None:
    assert is_kept(key)
    assert not is_content(key)


def test_every_attribute_of_every_dialect_is_kept_or_reduced() -> None:
    for dialect in ALL:
        for key in dialect.attribute_names():
            assert is_kept(key) or (is_content(key) and key in dialect.reduced), key
    assert not KEPT_KEYS & CONTENT_KEYS
    assert {key for key in KEPT_KEYS if key.startswith(CONTENT_PREFIXES)} == {
        "gen_ai.prompt.name",
        "gen_ai.prompt.version",
        "mastra.span.type",
    }


def test_of_an_answer_only_ids_and_usage_stay() -> None:
    answer = {
        "id": "chatcmpl-1",
        "model": "gpt-4o",
        "choices": [{"message": {"content": "SECRET"}}],
        "usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2, "note": "SECRET"}, "SECRET x": 1},
        "llm_output": {"id": "chatcmpl-1", "text": "SECRET"},
    }
    left = reduced("output.value", json.dumps(answer))
    assert isinstance(left, str)
    assert json.loads(left) == {
        "id": "chatcmpl-1",
        "model": "gpt-4o",
        "usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2}},
        "llm_output": {"id": "chatcmpl-1"},
    }


@pytest.mark.parametrize("value", ["plain SECRET", '{"id": "a SECRET sentence"}', "[1]", "{", 5, None, '{"usage": 5}'])
def test_what_is_no_answer_leaves_nothing(value: object) -> None:
    assert reduced("output.value", value) is None


def test_other_content_leaves_nothing() -> None:
    assert reduced("gen_ai.input.messages", '{"id": "x"}') is None


trees = st.recursive(
    st.one_of(st.integers(), st.just("SECRET word"), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["usage", "id", "response", "llm_output", "x"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(trees)
def test_no_text_survives(tree: object) -> None:
    left = reduced("output.value", json.dumps(tree))
    assert left is None or "SECRET" not in str(left)


def test_deep_and_wide_objects_are_bounded() -> None:
    deep = '{"usage":' * 5_000 + "1" + "}" * 5_000
    wide = json.dumps({"usage": {f"n{n}": n for n in range(50_000)}})
    assert len(str(reduced("output.value", deep))) < 1_000
    assert len(str(reduced("output.value", wide))) < 40_000
