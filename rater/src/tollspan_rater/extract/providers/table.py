"""The form of a provider API's table: where its usage object has each number, and what its totals leave out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from tollspan_rater.domain.meters import TOKEN_METERS

# Slots beside the token meters, by kind; ``unit.METER`` is a meter that is no token, ``term.NAME`` one of the terms of
# a call, ``tier.`` its service tier, ``cost.`` what the provider charged in US dollars.
Kind = Literal["tokens", "unit", "term", "tier", "cost"]
TOTAL: Final = "total"  # the provider's own sum of input and output: a proof
_COUNTED: Final = frozenset({*TOKEN_METERS, TOTAL})
_KINDS: Final[Mapping[str, Kind]] = {"unit": "unit", "term": "term", "tier": "tier", "cost": "cost"}


@dataclass(frozen=True)
class Slot:
    """A number's place: the slot that it fills, and its rank among the places of the slot (0 is the best).

    ``at_once`` says that a token count there needs no look at other places.
    """

    kind: Kind
    name: str
    rank: int
    path: str
    at_once: bool


@dataclass(frozen=True)
class Listed:
    """A list of counts by label, such as ``[{"modality": "AUDIO", "tokenCount": 5}]``.

    ``slots`` maps labels in upper case to slots; labels without one (text) are the rest of their whole. Entries with
    one label add up.
    """

    label: str
    counts: tuple[str, ...]
    slots: Mapping[str, str]
    rank: ClassVar[int] = 1_000  # what is stated outright goes before what a list adds up to
    at_once: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Iterations:
    """A list of runs inside one call, each with a usage object of its own, of which the totals leave some out.

    ``inside`` names types that the call's own model ran: they are added to all counts, and what they read beside the
    cache is ``TYPE_in``, what they wrote ``TYPE_out``. ``other`` names types of another model, whose counts stand
    beside the call's under the given name.
    """

    path: str
    inside: Mapping[str, str]
    other: Mapping[str, str]


Place = Slot | Listed
Tree = Mapping[str, Any]  # member -> Place or the Tree inside it


@dataclass(frozen=True, slots=True)
class UsageApi:
    """Everything that reading one API's usage object needs told; ``title`` says whose it is.

    ``keys`` maps slots (meters of tokens, ``total``, ``tier.``, ``cost.``, ``unit.METER``, ``term.NAME``) to paths into
    the object, best first. ``lists`` maps paths to counts by label.
    ``beside`` are parts that the API states beside its totals: they are added. ``proofs`` are other sets of such
    parts, tried in order where the provider's total contradicts ``beside``.
    ``rest_is_output``: what a total holds beyond all counts was generated, and stated nowhere else.
    ``narrower`` maps members that only another API of the same form writes to that API's name.
    """

    name: str
    title: str
    keys: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, Listed] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    proofs: tuple[tuple[str, ...], ...] = ()
    rest_is_output: bool = False
    iterations: Iterations | None = None
    narrower: Mapping[str, str] = field(default_factory=dict)
    tree: Tree = field(init=False)

    def __post_init__(self) -> None:
        places = [
            (path, _slot(slot, rank, path)) for slot, paths in self.keys.items() for rank, path in enumerate(paths)
        ]
        object.__setattr__(self, "tree", _tree([*places, *self.lists.items()]))


def modalities(label: str, counts: tuple[str, ...], **slots: str) -> Listed:
    """Return a list by modality; keywords map modalities in lower case to slots."""
    named = {name.upper(): slot for name, slot in slots.items()}
    return Listed(label, counts, named | {_NUMBERS[name]: slot for name, slot in named.items()})


# Vertex in its protobuf form writes the number of a modality: https://cloud.google.com/vertex-ai/docs/reference/rest
_NUMBERS: Final = {"IMAGE": "2", "VIDEO": "3", "AUDIO": "4", "DOCUMENT": "5"}


def _slot(slot: str, rank: int, path: str) -> Slot:
    if slot in _COUNTED:
        return Slot("tokens", slot, rank, path, at_once=not rank)
    kind, _, name = slot.partition(".")
    return Slot(_KINDS[kind], name, rank, path, at_once=False)


def _tree(places: Iterable[tuple[str, Place]]) -> Tree:
    root: dict[str, Any] = {}
    for path, place in places:
        *above, last = path.split(".")
        at = root
        for step in above:
            at = at.setdefault(step, {})
        at[last] = place
    return root
