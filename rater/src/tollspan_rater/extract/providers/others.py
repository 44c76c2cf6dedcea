"""Providers with a form of their own."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.providers.table import UsageApi

# https://docs.cohere.com/reference/chat: billed units are what is charged; tokens count what Cohere added as well.
COHERE: Final = UsageApi(
    name="cohere",
    title="Cohere",
    keys={
        "input": ("billed_units.input_tokens", "tokens.input_tokens"),
        "output": ("billed_units.output_tokens", "tokens.output_tokens"),
        "unit.search_unit": ("billed_units.search_units",),
        "unit.classification": ("billed_units.classifications",),
        "unit.image": ("billed_units.images",),
    },
)
# https://github.com/ollama/ollama/blob/main/docs/api.md: a prompt that is in its cache may have no count.
OLLAMA: Final = UsageApi(
    name="ollama", title="Ollama", keys={"input": ("prompt_eval_count",), "output": ("eval_count",)}
)
# https://cloud.ibm.com/apidocs/watsonx-ai#text-generation
WATSONX: Final = UsageApi(
    name="watsonx.generation",
    title="IBM watsonx.ai",
    keys={"input": ("input_token_count",), "output": ("generated_token_count",)},
)
# https://docs.aleph-alpha.com/api/complete
ALEPH_ALPHA: Final = UsageApi(
    name="aleph_alpha.complete",
    title="Aleph Alpha",
    keys={"input": ("num_tokens_prompt_total",), "output": ("num_tokens_generated",)},
)
# https://docs.voyageai.com/reference/embeddings-api: all tokens of an embedding are input.
VOYAGE: Final = UsageApi(name="voyage.embeddings", title="Voyage AI", keys={"input": ("total_tokens",)})
# https://docs.mistral.ai/api/endpoint/ocr
MISTRAL_OCR: Final = UsageApi(name="mistral.ocr", title="Mistral OCR", keys={"unit.ocr_page": ("pages_processed",)})
# An app that states counts itself, as Langfuse writes them down.
SHORT: Final = UsageApi(
    name="short",
    title="an application's own short form, as Langfuse keeps it",
    keys={"input": ("input",), "output": ("output",)},
)

APIS: Final = (COHERE, OLLAMA, WATSONX, ALEPH_ALPHA, VOYAGE, MISTRAL_OCR, SHORT)
