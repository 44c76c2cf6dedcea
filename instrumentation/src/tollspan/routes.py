"""Which HTTP requests are LLM calls: one table, found by the last piece of the path.

A request counts by how its path ends, so that gateways, Azure deployments and servers on loopback need no
configuration; the host decides the provider's name, and between providers that use one path differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import unquote

from tollspan.semconv import BatchUsage, UsageApi

FETCH: Final = "fetch_response"  # reads what another request had made
ResultsIn = Literal["openai file", "anthropic file", "gemini file", "gemini batch"]
BATCH_TIER: Final = "batch"  # the service tier of what a batch did, which not all answers state


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of request and what it means.

    ``ending`` is how its path ends; ``*`` at its end is whatever may follow there. ``api`` says how its usage
    is stated, ``None`` that it is free of charge and leaves no record. ``provider`` and ``operation`` have OTel's names
    where it has some.

    ``host_of``: only at this provider's hosts. ``within``: only with this in the path. ``streams``: the answer streams
    whatever the body says. ``unsure``: others use such paths too, so that at an unknown host only an answer that looks
    like the API's makes a record; so does the answer to a ``FETCH`` only when it states usage. ``results``: the body
    reports the calls of a batch, each of which makes a record. ``batch``: counts only where batches are metered so.
    """

    ending: str
    api: UsageApi | None
    provider: str
    operation: str
    method: str = "POST"
    host_of: str = ""
    within: str = ""
    streams: bool = False
    unsure: bool = False
    results: ResultsIn | None = None
    batch: BatchUsage | None = None

    @property
    def tier(self) -> str | None:
        """The service tier of all calls of this kind, ``None`` where an answer tells its own."""
        return BATCH_TIER if self.results or self.batch else None

    def fits(self, path: str, provider: str | None) -> bool:
        """Tell whether a path, whose last piece fits, and the provider behind its host are of this kind."""
        if (self.host_of and self.host_of != provider) or self.within not in path:
            return False
        above, _, last = self.ending.rpartition("/")
        if not last.endswith("*"):
            return path.endswith(self.ending)
        folder, _, piece = path.rpartition("/")
        return folder.endswith(above) and piece.startswith(last[:-1])


def _openai() -> Iterable[Route]:
    """https://platform.openai.com/docs/api-reference; the same paths at all who are compatible with it."""
    yield Route("/chat/completions", "openai.chat", "openai", "chat")
    yield Route("/chat/completions", "perplexity.chat", "perplexity", "chat", host_of="perplexity")
    yield Route("/agents/completions", "openai.chat", "mistral_ai", "chat")
    yield Route("/completions", "openai.chat", "openai", "text_completion")
    yield Route("/responses", "openai.responses", "openai", "chat")
    yield Route("/responses/compact", "openai.responses", "openai", "chat")
    yield Route("/responses/input_tokens", None, "openai", "count_tokens")
    yield Route("/responses/resp_*", "openai.responses", "openai", FETCH, method="GET")
    yield Route("/responses/*", "openai.responses", "x_ai", FETCH, method="GET", host_of="x_ai")
    yield Route("/embeddings", "openai.embeddings", "openai", "embeddings")
    yield Route("/moderations", None, "openai", "moderation")


def _anthropic() -> Iterable[Route]:
    """https://platform.claude.com/docs/en/api, and Anthropic's models on Vertex AI in its documentation."""
    yield Route("/v1/messages", "anthropic.messages", "anthropic", "chat")
    yield Route("/v1/messages/count_tokens", None, "anthropic", "count_tokens")
    yield Route("/v1/complete", "anthropic.messages", "anthropic", "text_completion")
    claude, vertex = "/publishers/anthropic/models/", "gcp.vertex_ai"
    yield Route(":rawPredict", "anthropic.messages", vertex, "chat", within=claude)
    yield Route(":streamRawPredict", "anthropic.messages", vertex, "chat", within=claude, streams=True)
    yield Route("/count-tokens:rawPredict", None, vertex, "count_tokens", within=claude)


def _google() -> Iterable[Route]:
    """https://ai.google.dev/api and https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest."""
    api: UsageApi = "gemini.generate_content"
    yield Route(":generateContent", api, "gcp.gemini", "generate_content")
    yield Route(":streamGenerateContent", api, "gcp.gemini", "generate_content", streams=True)
    yield Route(":embedContent", api, "gcp.gemini", "embeddings")
    yield Route(":batchEmbedContents", api, "gcp.gemini", "embeddings")
    yield Route(":countTokens", None, "gcp.gemini", "count_tokens")
    yield Route(":computeTokens", None, "gcp.vertex_ai", "count_tokens")
    yield Route(":predict", "vertex.predict", "gcp.vertex_ai", "embeddings", within="/publishers/")
    yield Route(":predict", "vertex.predict", "gcp.vertex_ai", "image_generation", within="/models/imagen")
    mistral, vertex = "/publishers/mistralai/models/", "gcp.vertex_ai"
    yield Route(":rawPredict", "openai.chat", vertex, "chat", within=mistral)
    yield Route(":streamRawPredict", "openai.chat", vertex, "chat", within=mistral, streams=True)
    for version in ("v1", "v1beta", "v1alpha"):
        yield Route(f"/{version}/interactions", "gemini.interactions", "gcp.gemini", "chat")
        yield Route(f"/{version}/interactions/*", "gemini.interactions", "gcp.gemini", FETCH, method="GET")


def _bedrock() -> Iterable[Route]:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html."""
    provider, model = "aws.bedrock", "/model/"
    yield Route("/converse", "bedrock.converse", provider, "chat", within=model)
    yield Route("/converse-stream", "bedrock.converse", provider, "chat", within=model, streams=True)
    yield Route("/invoke", "bedrock.invoke_model", provider, "chat", within=model)
    yield Route("/invoke-with-response-stream", "bedrock.invoke_model", provider, "chat", within=model, streams=True)
    yield Route("/count-tokens", None, provider, "count_tokens", within=model)


def _cohere() -> Iterable[Route]:
    """https://docs.cohere.com/reference; Writer has one of its paths for what is OpenAI's chat."""
    yield Route("/v2/chat", "cohere", "cohere", "chat")
    yield Route("/v1/chat", "cohere", "cohere", "chat", unsure=True)
    yield Route("/v1/chat", "openai.chat", "writer", "chat", host_of="writer")
    yield Route("/v1/generate", "cohere", "cohere", "text_completion", host_of="cohere")
    yield Route("/v1/classify", "cohere", "cohere", "moderation", host_of="cohere")
    for version in ("v1", "v2"):
        yield Route(f"/{version}/embed", "cohere", "cohere", "embeddings")
        yield Route(f"/{version}/rerank", "cohere", "cohere", "rerank")


def _others() -> Iterable[Route]:
    """The documentation of each: docs.mistral.ai/api, docs.voyageai.com, docs.ollama.com/api and so on."""
    yield Route("/v1/ocr", "mistral.ocr", "mistral_ai", "ocr")
    yield Route("/v1/conversations", "openai.chat", "mistral_ai", "chat", host_of="mistral_ai")
    yield Route("/v1/conversations/*", "openai.chat", "mistral_ai", "chat", host_of="mistral_ai")
    for ending in ("/embeddings", "/multimodalembeddings", "/contextualizedembeddings"):
        yield Route(ending, "voyage.embeddings", "voyage", "embeddings", host_of="voyage")
    yield Route("/v1/rerank", "voyage.embeddings", "voyage", "rerank", host_of="voyage")
    yield Route("/api/chat", "ollama", "ollama", "chat", unsure=True)
    yield Route("/api/generate", "ollama", "ollama", "text_completion", unsure=True)
    yield Route("/api/embed", "ollama", "ollama", "embeddings", unsure=True)
    yield Route("/complete", "aleph_alpha.complete", "aleph_alpha", "text_completion", unsure=True)
    yield Route("/inference:complete", "openai.chat", "snowflake", "chat", within="/cortex/")
    yield Route("/invocations", "openai.chat", "databricks", "chat", within="/serving-endpoints/", unsure=True)
    watsonx = "ibm.watsonx.ai"
    for ending in ("/text/generation", "/generation/text"):
        yield Route(ending, "watsonx.generation", watsonx, "text_completion", within="/ml/")
    for ending in ("/text/generation_stream", "/generation/text_stream"):
        yield Route(ending, "watsonx.generation", watsonx, "text_completion", within="/ml/", streams=True)
    yield Route("/text/chat", "openai.chat", watsonx, "chat", within="/ml/")
    yield Route("/text/chat_stream", "openai.chat", watsonx, "chat", within="/ml/", streams=True)
    yield Route("/text/embeddings", "watsonx.generation", watsonx, "embeddings", within="/ml/")
    yield Route("/text/rerank", "watsonx.generation", watsonx, "rerank", within="/ml/")


def _media() -> Iterable[Route]:
    """https://platform.openai.com/docs/api-reference/images and /audio; Azure OpenAI, Groq and others alike."""
    api: UsageApi = "openai.responses"
    for kind in ("generations", "edits", "variations"):
        yield Route(f"/images/{kind}", api, "openai", "image_generation")
    yield Route("/audio/transcriptions", api, "openai", "transcription")
    yield Route("/audio/translations", api, "openai", "transcription")
    yield Route("/audio/speech", api, "openai", "text_to_speech")


def _batches() -> Iterable[Route]:
    """What batches used, read in their results or in their totals: see :mod:`tollspan.results`."""
    openai = Route("", "openai.responses", "openai", FETCH, "GET")
    file = replace(openai, ending="/content", results="openai file", batch="lines")
    yield replace(file, within="/files/file")
    yield replace(file, within="/files/", host_of="mistral_ai")
    yield replace(openai, ending="/batches/batch*", batch="total")
    claude = Route("/results", "anthropic.messages", "anthropic", FETCH, "GET", results="anthropic file")
    yield replace(claude, within="/messages/batches/")
    gemini = Route("", "gemini.generate_content", "gcp.gemini", FETCH, "GET")
    yield replace(gemini, ending=":download", within="/files/", results="gemini file")
    for version in ("v1beta", "v1alpha"):
        yield replace(gemini, ending=f"/{version}/batches/*", results="gemini batch")


ROUTES: Final[tuple[Route, ...]] = (
    *_openai(), *_anthropic(), *_google(), *_bedrock(), *_cohere(), *_others(), *_media(), *_batches(),
)  # fmt: skip

# What stands before a model's name in a path: Azure, Gemini and Vertex AI, Bedrock, and the first version of OpenAI's.
_BEFORE_MODEL: Final = ("/deployments/", "/models/", "/tunedModels/", "/model/", "/engines/", "/serving-endpoints/")


@lru_cache(maxsize=1024)
def route(method: str, path: str, provider: str | None) -> Route | None:
    """Find the route of a request by method, path (without query) and provider; ``None`` for all other traffic."""
    path = path.rstrip("/")
    above, _, last = path.rpartition("/")
    key = last if ":" not in last else ":" + last.rpartition(":")[2]
    found = _BY_PIECE.get((method, key)) or _BY_PIECE.get((method, above.rpartition("/")[2] + "/*"))
    if found is None:
        return None
    return next((one for one in found if one.fits(path, provider)), None)


def path_model(found: Route, path: str) -> str | None:
    """Return the model, or the deployment that stands for one, that a path names before its ending."""
    head = path.rstrip("/").removesuffix(found.ending)
    for mark in _BEFORE_MODEL:
        _, known, name = head.rpartition(mark)
        if known and name:
            return unquote(name)
    return None


def _piece(ending: str) -> str:
    """Return the piece of a path under which an ending is found: its last, with ``*`` the last two."""
    above, _, last = ending.rpartition("/")
    if last.endswith("*"):
        return above.rpartition("/")[2] + "/*"
    return last if ":" not in last else ":" + last.rpartition(":")[2]


def _by_piece(routes: Iterable[Route]) -> Mapping[tuple[str, str], tuple[Route, ...]]:
    """Return the routes by method and piece; the narrower stand first."""
    found: dict[tuple[str, str], list[Route]] = {}
    for one in routes:
        found.setdefault((one.method, _piece(one.ending)), []).append(one)
    return {
        key: tuple(sorted(kinds, key=lambda one: (not one.host_of, -len(one.within), -len(one.ending))))
        for key, kinds in found.items()
    }


_BY_PIECE: Final = _by_piece(ROUTES)
