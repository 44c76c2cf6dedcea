"""Which requests are calls, of which provider, for which model."""

from __future__ import annotations

import pytest

from tollspan.hosts import look_up
from tollspan.routes import FETCH, ROUTES, path_model, route
from tollspan_rater.extract.dialects.semconv import CALL_OPERATIONS

OPENAI, CLAUDE, GEMINI = "openai.chat", "anthropic.messages", "gemini.generate_content"
VERTEX = "/v1/projects/p/locations/l/publishers"


@pytest.mark.parametrize(
    ("path", "api", "model"),
    [
        ("/v1/chat/completions", OPENAI, None),
        ("/v1/chat/completions/", OPENAI, None),
        ("/openai/deployments/prod/chat/completions", OPENAI, "prod"),
        ("/v1/prompts/p1/completions", OPENAI, None),
        ("/openai/v1/responses", "openai.responses", None),
        ("/v1/responses/compact", "openai.responses", None),
        ("/v1/responses/input_tokens", None, None),
        ("/v1/embeddings", "openai.embeddings", None),
        ("/v1/moderations", None, None),
        ("/anthropic/v1/messages", CLAUDE, None),
        ("/v1/messages/count_tokens", None, None),
        ("/v1/complete", CLAUDE, None),
        ("/v1beta/models/gemini-2.5-flash:generateContent", GEMINI, "gemini-2.5-flash"),
        ("/v1beta/models/gemini-2.5-flash:countTokens", None, "gemini-2.5-flash"),
        ("/v1beta/tunedModels/mine:streamGenerateContent", GEMINI, "mine"),
        (f"{VERTEX}/google/models/gemini-embedding-001:predict", "vertex.predict", "gemini-embedding-001"),
        ("/v1beta/models/imagen-4.0-generate-001:predict", "vertex.predict", "imagen-4.0-generate-001"),
        (f"{VERTEX}/anthropic/models/claude-sonnet-4:streamRawPredict", CLAUDE, "claude-sonnet-4"),
        (f"{VERTEX}/anthropic/models/count-tokens:rawPredict", None, None),
        (f"{VERTEX}/mistralai/models/mistral-large:rawPredict", OPENAI, "mistral-large"),
        ("/v1beta/interactions", "gemini.interactions", None),
        ("/model/anthropic.claude-v2:1/converse", "bedrock.converse", "anthropic.claude-v2:1"),
        ("/model/us.amazon.nova-lite-v1%3A0/invoke", "bedrock.invoke_model", "us.amazon.nova-lite-v1:0"),
        ("/v2/chat", "cohere", None),
        ("/v1/rerank", "cohere", None),
        ("/v1/ocr", "mistral.ocr", None),
        ("/v1/fim/completions", OPENAI, None),
        ("/api/chat", "ollama", None),
        ("/ml/v1/text/generation", "watsonx.generation", None),
        ("/api/v2/cortex/inference:complete", OPENAI, None),
    ],
)
def test_routes(path: str, api: str | None, model: str | None) -> None:
    found = route("POST", path, None)
    assert found is not None
    assert (found.api, path_model(found, path)) == (api, model)


@pytest.mark.parametrize(
    ("path", "provider", "api"),
    [
        ("/chat/completions", "perplexity", "perplexity.chat"),
        ("/v1/embeddings", "voyage", "voyage.embeddings"),
        ("/v1/rerank", "voyage", "voyage.embeddings"),
        ("/v1/chat", "writer", "openai.chat"),
        ("/v1/conversations/conv_1", "mistral_ai", "openai.chat"),
    ],
)
def test_one_path_of_several_providers(path: str, provider: str, api: str) -> None:
    found = route("POST", path, provider)
    assert found is not None
    assert found.api == api


@pytest.mark.parametrize(
    ("path", "provider", "fetched"),
    [
        ("/v1/responses/resp_1", None, True),
        ("/v1/responses/5f1c", "x_ai", True),
        ("/v1/responses/5f1c", None, False),
        ("/v1beta/interactions/v1_1", None, True),
        ("/v1/responses/resp_1/input_items", None, False),
        ("/v1/responses", None, False),
    ],
)
def test_what_was_made_before_is_fetched(path: str, provider: str | None, *, fetched: bool) -> None:
    found = route("GET", path, provider)
    assert (found is not None and found.operation == FETCH) == fetched


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/models/resnet:predict"),
        ("POST", "/shop/converse"),
        ("POST", "/conversations/1"),
        ("POST", "/"),
        ("POST", ""),
    ],
)
def test_other_traffic_has_no_route(method: str, path: str) -> None:
    assert route(method, path, None) is None


def test_the_rater_knows_every_operation_as_a_call() -> None:
    assert {one.operation for one in ROUTES if one.api is not None} <= {*CALL_OPERATIONS}


def test_providers_by_host() -> None:
    provider_of = look_up({"*.llm.internal": "vllm", "api.openai.com": "azure.ai.openai"})
    hosts = {
        "api.anthropic.com": "anthropic",
        "shop.openai.azure.com": "azure.ai.openai",
        "us-central1-aiplatform.googleapis.com": "gcp.vertex_ai",
        "bedrock-runtime.eu-west-1.amazonaws.com": "aws.bedrock",
        "API.X.AI": "x_ai",
        "a.llm.internal": "vllm",
        "api.openai.com": "azure.ai.openai",
        "127.0.0.1": None,
        "evilapi.openai.com.example.org": None,
    }
    assert {host: provider_of(host) for host in hosts} == hosts
