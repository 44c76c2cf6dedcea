"""The form of a dialect: everything that one family of instrumentations needs told, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tollspan.semconv import Quality
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.aliases import Place

SPAN_NAME: Final = ""  # stands for the name of the span where a key is asked for

UNIT: Final = "unit."  # a slot that counts a unit meter

# Ranks of views, best first; the order is a decision of the design.
OWN_RAW, OWN, FOREIGN_RAW, NATIVE, OTEL, UNKNOWN_SCOPE = 0, 1, 10, 20, 30, 35
FRAMEWORK_OTEL, SDK_WRAPPER, OPENINFERENCE, FRAMEWORK, AGGREGATE_RANK = 40, 45, 50, 60, 90


@dataclass(frozen=True, slots=True)
class When:
    """One rule of roles: the value of ``key`` decides by ``roles``, ``prefixes``, ``suffixes``, then ``other``.

    Where nothing decides, the next rule is asked.
    """

    key: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    prefixes: Mapping[str, Role] = field(default_factory=dict)
    suffixes: Mapping[str, Role] = field(default_factory=dict)
    other: Role | None = None


@dataclass(frozen=True, slots=True)
class RawUsage:
    """An attribute that holds the provider's usage object: ``path`` leads to it inside the attribute's value.

    ``api`` names the usage object, None tells it by its members. ``notation`` is how it was written.
    """

    key: str
    path: tuple[str, ...] = ()
    api: str | None = None
    notation: Literal["json", "python"] = "json"


@dataclass(frozen=True, slots=True)
class Inside:
    """A slot that is read from inside an attribute which holds JSON, at the first path that is there."""

    slot: str
    key: str
    paths: tuple[tuple[str, ...], ...]


Excludes = Literal["never", "always", "claude"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One family of instrumentations.

    Found by ``scopes`` (exact scope names), ``scope_prefixes``, or for other scopes by ``markers`` (attributes
    that only it writes). ``keys`` maps slots to attribute names, best first: the token fields of ``Usage``,
    ``total`` (a proof only), ``unit.METER``, and the texts that ``Extracted`` holds.
    ``roles`` are asked in order; a span with usage that none of them knows is an aggregate.
    ``input_excludes_cache`` and ``output_excludes_reasoning`` say what its totals leave out;
    ``inclusive_if`` names an attribute whose presence proves the input inclusive.
    ``stream_ends_with_finish``: a stream without a finish reason broke off. ``stream_quality`` is what the usage of
    a stream is worth there, ``uncached_stream_quality`` that of a stream without cache counts.
    ``evidence_of_sibling``: its evidence stands beside the call that it belongs to, not below.
    ``pending`` names attributes and values of a version that a later one replaces.
    ``zero_is_unknown``: zeros stand where the provider said nothing. ``ignored_providers`` are framework names.
    ``attributes_fill_raw``: a total that the raw object leaves open (a stream that broke off) is on the span itself.
    """

    name: str
    version: int
    rank: int
    keys: Mapping[str, tuple[str, ...]]
    roles: tuple[When, ...]
    scopes: tuple[str, ...] = ()
    scope_prefixes: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    raw: tuple[RawUsage, ...] = ()
    raw_rank: int | None = None
    inside: tuple[Inside, ...] = ()
    input_excludes_cache: Excludes = "never"
    inclusive_if: str | None = None
    output_excludes_reasoning: bool = False
    stream_ends_with_finish: bool = False
    stream_quality: Quality | None = None
    uncached_stream_quality: Quality | None = None
    zero_is_unknown: bool = True
    attributes_fill_raw: bool = False
    nan_is_missing: bool = False
    scope_unknown: bool = False
    evidence_of_sibling: bool = False
    provider_before_dot: bool = False
    ignored_providers: frozenset[str] = frozenset()
    pending: tuple[tuple[str, str], ...] = ()
    content: frozenset[str] = frozenset()
    content_prefixes: tuple[str, ...] = ()
    reduced: frozenset[str] = frozenset()
    kept_prefixes: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(init=False)
    unit_slots: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", compiled(self.keys))
        units = tuple((slot, slot.removeprefix(UNIT)) for slot in self.keys if slot.startswith(UNIT))
        object.__setattr__(self, "unit_slots", units)

    @property
    def label(self) -> str:
        """Name and version, as evidence states them."""
        return f"{self.name}@{self.version}"

    def attribute_names(self) -> frozenset[str]:
        """Every attribute that reading this dialect needs."""
        named = {rule.key for rule in self.roles if rule.key != SPAN_NAME}
        named |= {raw.key for raw in self.raw} | {inner.key for inner in self.inside}
        named |= {key for key, _ in self.pending} | set(self.markers)
        named |= {self.inclusive_if} if self.inclusive_if else set()
        return frozenset(named | self.places.keys())


def compiled(keys: Mapping[str, tuple[str, ...]]) -> Mapping[str, Place]:
    """Turn slots and their names around: attribute name -> (slot, order)."""
    return {name: (slot, order) for slot, names in keys.items() for order, name in enumerate(names)}


def merged(*tables: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Join tables of names; for a slot in several of them, earlier tables stand first."""
    slots = {slot for table in tables for slot in table}
    return {
        slot: tuple(dict.fromkeys(name for table in tables for name in table.get(slot, ()))) for slot in sorted(slots)
    }
