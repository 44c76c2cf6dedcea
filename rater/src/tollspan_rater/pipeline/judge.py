"""The fate of each piece: what is new, a copy, a conflict, or a version that another one replaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Fate, Role
from tollspan_rater.pipeline.reading import Reading
from tollspan_rater.store.lookup import StoredSpan, held_versions

READ_AGAIN: Final = "read again"

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """The version of a span key that holds."""

    position: int
    ordinal: int
    digest: str
    final: bool

    @property
    def name(self) -> str:
        """The piece as ``position:ordinal``."""
        return f"{self.position}:{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of one piece; ``replaces`` is an older version of the same key that no longer holds."""

    fate: Fate
    reason: str | None = None
    held_by: Version | None = None
    replaces: Version | None = None

    @property
    def holds(self) -> bool:
        """Whether this piece is now the version of its key."""
        return self.fate in {Fate.STORED, Fate.IGNORED}


_FIRST_STORED: Final = Verdict(Fate.STORED)
_FIRST_IGNORED: Final = Verdict(Fate.IGNORED, "not usage")


class Judge:
    """Judges pieces in the order of the journal; knows the versions of all keys that may come."""

    def __init__(self, stored: Iterable[StoredSpan], remembered: Iterable[Mapping[Key, Version]] = ()) -> None:
        self._versions: dict[Key, Version] = {}
        self._remembered = tuple(remembered)
        for key, span in held_versions(stored).items():
            self._versions[key] = Version(span.position, span.ordinal, span.digest, span.final)

    def judge(self, reading: Reading) -> Verdict:
        """Return the fate of a piece that was read, and remember it when it holds.

        Declared-final versions win over pending ones, then the first one in the journal; a conflict never
        replaces what holds. The piece that holds, read ``again``, goes on holding.
        """
        extracted = reading.extracted
        if extracted is None:
            raise ValueError("only pieces that could be read are judged")
        key = extracted.key
        held = self._held(key)
        if held is None or reading.again:
            self._hold(key, reading)
            first = first_verdict(extracted)
            return replace(first, reason=READ_AGAIN) if reading.again else first
        if held.digest == reading.digest:
            return Verdict(Fate.DUPLICATE, None, held)
        if held.final and not extracted.final:
            return Verdict(Fate.SUPERSEDED, "a final version came before", held)
        if extracted.final and not held.final:
            self._hold(key, reading)
            first = first_verdict(extracted)
            return Verdict(first.fate, first.reason, None, held)
        if not extracted.final:
            return Verdict(Fate.SUPERSEDED, "a partial version came before", held)
        return Verdict(Fate.CONFLICT, "same key, other evidence", held)

    def version(self, key: Key) -> Version:
        """Return the version of a key that holds now."""
        held = self._held(key)
        if held is None:
            raise KeyError(key)
        return held

    def _held(self, key: Key) -> Version | None:
        if key in self._versions:
            return self._versions[key]
        return next((versions[key] for versions in self._remembered if key in versions), None)

    def _hold(self, key: Key, reading: Reading) -> None:
        final = reading.extracted is not None and reading.extracted.final
        self._versions[key] = Version(reading.position, reading.ordinal, reading.digest, final)


def first_verdict(extracted: Extracted) -> Verdict:
    """Return the fate of the first version of a key that comes."""
    return _FIRST_IGNORED if extracted.role is Role.NONE else _FIRST_STORED
