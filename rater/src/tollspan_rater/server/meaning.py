"""The functions that give spans their meaning, put together for the pipeline."""

from __future__ import annotations

from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Piece
from tollspan_rater.extract.evidence import from_evidence, sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import link_ids, settle
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.batches import Meaning
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.pipeline.subjects import Subjects

MEANING = Meaning(settle=settle, link_of=link_ids, from_evidence=from_evidence)


def reader(subjects: Subjects) -> Reader:
    """Return the reader of batches; people become subject ids before anything is stored."""

    def decode_without_names(batch: Batch, also: frozenset[str] = frozenset()) -> list[Piece]:
        return subjects.replace(decode(batch, also=also))

    return Reader(decode_without_names, extract, sealed)
