"""The functions that give spans their meaning, put together for the pipeline."""

from __future__ import annotations

from hashlib import blake2b

from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.evidence import from_evidence, to_evidence
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import link_ids, settle
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.batches import Meaning
from tollspan_rater.pipeline.reading import Extract, Reader
from tollspan_rater.store.names import Names

MEANING = Meaning(settle=settle, link_of=link_ids, from_evidence=from_evidence)


def reader(names: Names) -> Reader:
    """Return the reader of batches; users become subject ids before anything is stored."""
    return Reader(decode, _with_subjects(names), to_evidence, digest)


def digest(evidence: str) -> str:
    """Return the digest by which two versions of a span are told apart."""
    return blake2b(evidence.encode(), digest_size=8).hexdigest()


def _with_subjects(names: Names) -> Extract:
    def read(span: Span) -> Extracted | Rejected:
        return extract(span, lambda name: names.subject_id(span.tenant, name))

    return read
