"""Corrections: what people say of calls, over what the spans say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, Literal

from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS

CorrectionKind = Literal["void", "amend", "reattribute", "restore"]
Changes = Mapping[str, str | None]

AMENDED: Final = "amended"  # quality and flag of a call whose quantities were amended; flag of any amended call
REATTRIBUTED: Final = "reattributed"  # flag of a call that was attributed anew
FACTS: Final = ("provider", "model", "outcome", "service_tier", "started_ns")  # what an amendment may change by name
METER: Final = "meter."  # an amendment changes a quantity under this and the meter's name
TAG: Final = "tags."
KEYS: Final = frozenset(ATTRIBUTION_FIELDS)  # what a re-attribution may change, beside ``tags.NAME``


@dataclass(frozen=True, slots=True)
class Correction:
    """What one correction says of one call.

    ``correction`` is its id, shared by all calls that it names; ``position`` the journal entry. ``call_id``, ``meter``
    (of a unit measure) and ``members`` (the representing span first) are the call as it stood at the position
    ``as_of``. ``changes`` maps names of ``FACTS``, ``meter.NAME`` or attribution keys to new values as text; None is
    unknown, or said by nobody. ``undoes`` is the correction that a ``restore`` takes back for this call. ``wish`` is
    the digest of what was asked for, ``calls`` how many calls the correction names in all.
    """

    tenant: str
    correction: str
    call_id: str
    position: int
    at_ns: int
    actor: str
    kind: CorrectionKind
    note: str
    as_of: int
    meter: str | None
    members: tuple[str, ...]
    changes: Changes = field(default_factory=dict)
    undoes: str | None = None
    wish: str = ""
    calls: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        """Correction, call and what is undone: the same correction of a call counts once."""
        return (self.correction, self.call_id, self.undoes or "")

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Sorts corrections in the order in which they were made."""
        return (self.position, *self.key)

    @property
    def spans(self) -> tuple[str, ...]:
        """The spans by which its call is found later.

        An amendment follows the one span that represented the call, for quantities cannot be in two calls; a void or
        a re-attribution holds for all its spans.
        """
        return self.members[:1] if self.kind == "amend" else self.members


def in_force(corrections: Iterable[Correction]) -> list[Correction]:
    """Return the corrections that no later one takes back, in the order in which they were made."""
    made = sorted(corrections, key=attrgetter("order"))
    undone = {(one.undoes, one.call_id) for one in made if one.undoes is not None}
    return [one for one in made if one.kind != "restore" and (one.correction, one.call_id) not in undone]
