"""What an answer says about itself, of each API: whole documents and events, by the table of forms."""

from __future__ import annotations

from typing import Any

import pytest

from tollspan.answer import Answer
from tollspan.forms import FORMS
from tollspan.semconv import USAGE_APIS, UsageApi


def absorbed(api: UsageApi, *documents: Any) -> Answer:
    answer = Answer(FORMS[api])
    for document in documents:
        answer.absorb(document)
    return answer


def search(kind: str = "web_search_call", action: str | None = "search") -> dict[str, Any]:
    return {"type": kind, **({} if action is None else {"action": {"type": action}})}


def grounded(*queries: str) -> dict[str, Any]:
    return {"candidates": [{"groundingMetadata": {"webSearchQueries": [*queries]}}]}


def test_every_api_has_a_form() -> None:
    assert {*USAGE_APIS} == FORMS.keys()


@pytest.mark.parametrize(
    ("document", "tallies"),
    [
        ({"output": [search(), search(), search(action="open_page")]}, {"web_search": 2}),
        ({"output": [search(action=None), {"type": "message"}]}, {"web_search": 1}),
        ({"output": [search()], "tool_usage": {"web_search": {"num_requests": 3}}}, {"web_search": 3}),
        ({"response": {"output": [search("file_search_call", None)]}}, {"file_search": 1}),
        ({"output": [search("code_interpreter_call", None)] * 2}, {"code_interpreter": 2}),
        ({"output": None}, {}),
    ],
)
def test_tools_that_openai_ran_are_counted_in_the_output(document: Any, tallies: dict[str, int]) -> None:
    assert absorbed("openai.responses", document).tallies == tallies


@pytest.mark.parametrize(("model", "billed"), [("gemini-2.5-pro", 1), ("gemini-3-pro-preview", 2)])
def test_gemini_bills_the_grounded_prompt_or_each_query(model: str, billed: int) -> None:
    answer = absorbed("gemini.generate_content", {"modelVersion": model, **grounded("", "weather", "what to wear")})
    assert answer.tallies == {"web_search": billed}


def test_counts_that_are_stated_again_hold_as_their_api_means_it() -> None:
    events = [
        {"results": [{"generated_token_count": 0, "input_token_count": 8, "stop_reason": "not_finished"}]},
        {"results": [{"generated_token_count": 3, "input_token_count": 0, "stop_reason": "eos_token"}]},
    ]
    answer = absorbed("watsonx.generation", *events)
    assert answer.usage == {"input_token_count": 8, "generated_token_count": 3}
    assert answer.finish_reasons == ("eos_token",)
    fewer = [{"usageMetadata": {"promptTokenCount": 15}}, {"usageMetadata": {"promptTokenCount": 14}}]
    assert absorbed("gemini.generate_content", *fewer).usage == {"promptTokenCount": 14}


def test_the_first_id_and_the_last_model_hold() -> None:
    answer = absorbed("openai.chat", {"id": "", "model": ""}, {"id": "a", "model": "m"}, {"id": "stub", "model": "n"})
    assert (answer.response_id, answer.model) == ("a", "n")


def test_embeddings_of_vertex_add_up() -> None:
    predictions = [{"embeddings": {"statistics": {"token_count": count}}} for count in (3, 4)]
    assert absorbed("vertex.predict", {"predictions": predictions}).usage == {"token_count": 7}


def test_no_text_of_an_answer_is_kept() -> None:
    meta = {"api_version": {"version": "1"}, "warnings": ["be careful"], "billed_units": {"input_tokens": 1}}
    assert absorbed("cohere", {"meta": meta}).usage == {"billed_units": {"input_tokens": 1}}


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"error": {"type": "overloaded_error", "message": "no"}}, "overloaded_error"),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, "RESOURCE_EXHAUSTED"),
        ({"response": {"error": {"code": "server_error"}}}, "server_error"),
        ({"response": {"status_details": {"error": {"type": "invalid"}}}}, "invalid"),
        ({"type": "error", "code": "rate_limit"}, "rate_limit"),
        ({"error": None}, None),
    ],
)
def test_errors_have_the_provider_s_name(document: Any, error: str | None) -> None:
    assert absorbed("openai.responses", document).error == error


@pytest.mark.parametrize("document", [None, 1, "text", [], [{}], {"choices": 3}, {"choices": [None]}, {"usage": []}])
def test_odd_documents_say_nothing(document: Any) -> None:
    for api in USAGE_APIS:
        answer = absorbed(api, document)
        assert (answer.usage, answer.terminal, answer.finish_reasons) == ({}, False, ())
