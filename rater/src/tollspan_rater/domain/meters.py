"""The tree of meters: what is counted, and whose price a meter takes when it has none of its own."""

from __future__ import annotations

from typing import Final

# Meter -> the whole that it is a part of. Text is no meter: it is what its whole holds beyond the other modalities.
PARENT: Final[dict[str, str]] = {
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
    "cache_write_30m": "cache_write",
    "cache_write_12h": "cache_write",
    "cache_write": "input",
    "cache_read_audio": "cache_read",
    "cache_read_image": "cache_read",
    "cache_read_video": "cache_read",
    "cache_read_document": "cache_read",
    "cache_read": "input",
    "tool_use": "input",
    "compaction_in": "input",  # what compaction iterations read beside their own cache counts, which are in the cache's
    "audio_in": "input",
    "image_in": "input",
    "video_in": "input",
    "document_in": "input",
    "reasoning": "output",
    "rejected_prediction": "output",
    "compaction_out": "output",
    "audio_out": "output",
    "image_out": "output",
    "video_out": "output",
    "advisor_cache_read": "advisor_in",
    "advisor_cache_write": "advisor_in",
}
# Part of two wholes at once: what was read from the cache and its modality divide the same input in two ways.
ALSO_IN: Final[dict[str, str]] = {
    "cache_read_audio": "audio_in",
    "cache_read_image": "image_in",
    "cache_read_video": "video_in",
    "cache_read_document": "document_in",
}

TOKEN_METERS: Final[tuple[str, ...]] = (
    "input",
    "cache_read",
    "cache_read_audio",
    "cache_read_image",
    "cache_read_video",
    "cache_read_document",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write_30m",
    "cache_write_12h",
    "tool_use",
    "compaction_in",
    "audio_in",
    "image_in",
    "video_in",
    "document_in",
    "output",
    "reasoning",
    "rejected_prediction",
    "compaction_out",
    "audio_out",
    "image_out",
    "video_out",
    "advisor_in",
    "advisor_cache_read",
    "advisor_cache_write",
    "advisor_out",
)
UNIT_METERS: Final[tuple[str, ...]] = (
    "request",
    "web_search",
    "web_fetch",
    "file_search",
    "code_interpreter",
    "search_unit",
    "search_source",
    "citation",
    "classification",
    "image",
    "audio_second",
    "video_second",
    "character",
    "ocr_page",
    "tool_call",
    "agent_run",
    "workflow_run",
    "retrieval",
    "rerank",
    "gpu_second",
)


def children(meter: str) -> tuple[str, ...]:
    """Return the meters directly below one, in a fixed order."""
    return tuple(child for child in TOKEN_METERS if PARENT.get(child) == meter)


def root(meter: str) -> str:
    """Return the whole that a meter is counted in: itself when it is part of none."""
    while meter in PARENT:
        meter = PARENT[meter]
    return meter


def priced_ancestor(meter: str, priced: frozenset[str]) -> str | None:
    """Return the meter whose price a quantity of ``meter`` takes: itself, else the nearest priced ancestor."""
    at: str | None = meter
    while at is not None and at not in priced:
        at = PARENT.get(at)
    return at
