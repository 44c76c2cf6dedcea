"""Mistral's own endpoints beside its OpenAI-compatible ones: fill-in-the-middle, and OCR, billed by the page."""

from __future__ import annotations

from typing import Any

from conformance.provider import openai_chat
from conformance.provider.endpoint import Api, Call
from conformance.provider.vendors import vendor_terms
from tollspan_rater.demo.provider.answer import WORDS


def ocr(call: Call) -> dict[str, Any]:
    """Return the text of a document, page by page."""
    pages = call.drawn.unit("ocr_page")
    page = {"markdown": "".join(WORDS), "images": [], "dimensions": {"dpi": 200, "height": 1, "width": 1}}
    return {
        "model": call.request.model,
        "pages": [{"index": number, **page} for number in range(pages)],
        "usage_info": {"pages_processed": pages, "doc_size_bytes": 1_000},
    }


APIS = (
    Api("mistral.fim", "/fim/completions", "cmpl-", openai_chat.chat, openai_chat.chat_events,
        terms=vendor_terms),
    Api("mistral.ocr", "/ocr", "ocr-", ocr, units=("ocr_page",), reads_text=False, writes_text=False),
)  # fmt: skip
