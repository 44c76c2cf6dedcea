"""People become subject ids before anything is stored; their names are kept apart and can be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from tollspan_rater.domain.span import Piece, Span
from tollspan_rater.extract.aliases import USER_NAMES
from tollspan_rater.extract.numbers import text

_REMEMBERED: Final = 200_000  # ids known to be in the table of names, so that they are not written again


class NameTable(Protocol):
    """What is needed of the table of names."""

    def subject_id(self, tenant: str, name: str) -> str:
        """Return the id of a person; an id gives itself."""
        ...

    def remember(self, tenant: str, names: dict[str, str]) -> None:
        """Keep names by id."""
        ...


class Subjects:
    """Replaces names of people on spans and collects the new ones until :meth:`flush`."""

    def __init__(self, names: NameTable) -> None:
        self._names = names
        self._new: dict[str, dict[str, str]] = {}
        self._remembered: set[tuple[str, str]] = set()

    def replace(self, pieces: list[Piece]) -> list[Piece]:
        """Put ids in the place of names on the spans of a batch and on their resources."""
        resource: object = None
        for piece in pieces:
            if isinstance(piece, Span):
                self._replace(piece.tenant, piece.attributes)
                if piece.resource is not resource:
                    resource = piece.resource
                    self._replace(piece.tenant, piece.resource)
        return pieces

    def learn(self, names: Mapping[str, Mapping[str, str]]) -> None:
        """Take in names that were replaced elsewhere: tenant -> id -> name."""
        for tenant, by_id in names.items():
            for subject, name in by_id.items():
                self._note(tenant, subject, name)

    def flush(self) -> None:
        """Write the names that are new; called before the facts that hold their ids are committed."""
        for tenant, names in self._new.items():
            self._names.remember(tenant, names)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.clear()
            self._remembered.update((tenant, subject) for subject in names)
        self._new.clear()

    def _replace(self, tenant: str, attributes: object) -> None:
        if not isinstance(attributes, dict):
            return
        for key in USER_NAMES:
            value = attributes.get(key)
            name = None if value is None else text(value)
            if name is None:
                continue
            subject = self._names.subject_id(tenant, name)
            attributes[key] = subject
            if subject != name:
                self._note(tenant, subject, name)

    def _note(self, tenant: str, subject: str, name: str) -> None:
        if (tenant, subject) not in self._remembered:
            self._new.setdefault(tenant, {})[subject] = name
