"""The form of a dialect: everything that one family of instrumentations needs told, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tollspan.semconv import Quality
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.aliases import Place

SPAN_NAME: Final = ""  # stands for the name of the span where a key is asked for

UNIT: Final = "unit."  # a slot that counts a meter which is no field of ``Usage``

# Ranks of views, best first; the order is a decision of the design.
OWN_RAW, OWN, FOREIGN_RAW, NATIVE, OTEL, UNKNOWN_SCOPE = 0, 1, 10, 20, 30, 35
FRAMEWORK_OTEL, SDK_WRAPPER, OPENINFERENCE, FRAMEWORK, AGGREGATE_RANK = 40, 45, 50, 60, 90

# When a rule of a dialect holds: a word for all its spans, or for those of one family of models.
Models = Literal["none", "all", "claude", "gemini"]
Vantage = Literal["client", "gateway", "server"]


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
    """A slot that is read from inside an attribute which holds JSON, at the first path that is there.

    An empty path is the whole value. ``notation`` ``python`` reads the repr of a Python object as well.
    """

    slot: str
    key: str
    paths: tuple[tuple[str, ...], ...]
    notation: Literal["json", "python"] = "json"


@dataclass(frozen=True, slots=True)
class Estimates:
    """Counts that an instrumentation makes up from the length of texts without saying so.

    They stand on spans whose slot ``method`` begins with this one and whose model is of one of the ``families``.
    """

    method: str
    families: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One family of instrumentations.

    Known as: ``name`` and ``version`` of this table, ``source`` (package and releases it was made from, or a link),
    ``traps`` (what a reader of these spans gets wrong, one sentence each).
    Found by: ``scopes`` (exact scope names), ``scope_prefixes``, for other scopes ``markers`` (attributes that only
    it writes), then ``families`` (attributes that it shares with nobody of note). ``before`` limits the table to
    releases of its scopes below a version; a scope without a version speaks the newest dialect.
    Read by: ``keys`` maps slots to attribute names, best first: the token fields of ``Usage``, ``unit.METER``,
    ``total``, ``text_in`` and ``text_out`` (proofs only), and the texts that ``Extracted`` holds.
    ``raw`` and ``inside`` find usage and slots within JSON. ``roles`` are asked in order; a span with usage that
    none of them knows is an aggregate. ``ignored`` names attributes that look like usage and are none, with why.
    ``vantage``: who wrote the span, where all of them have one.

    What its totals leave out: ``input_excludes_cache``, ``output_excludes_reasoning``, and ``beside``, other parts that
    always stand beside them. ``inclusive_if`` names an attribute whose presence proves the input inclusive.
    ``cache_unsure``: nobody knows whether the input contains the cache. ``cache_untold``: the input leaves the cache
    out and does not always say how much. ``tool_use_untold``: it leaves tool-use prompts out, which only a total can
    show.
    What its numbers are worth: ``stream_ends_with_finish`` (a stream without a finish reason broke off),
    ``raw_has_finish`` (so did an answer whose raw object is there), ``placeholder`` (an answer without a finish reason
    and of fewer tokens may be the first event of one that broke off), ``answer_quality``,
    ``uncached_stream_quality`` (of a stream without cache counts), ``aggregate_quality``, ``estimates``.
    ``zero_is_unknown``: zeros stand where the provider said nothing; ``unsure_zeros`` are counts whose zero means
    nothing, ``unsure_zeros_of_streams`` the same where the answer was streamed; ``nan_is_missing``.
    ``evidence_of_sibling``: its evidence stands beside the call that it belongs to, not below.
    ``pending`` names attributes and values of a version that a later one replaces.
    ``ignored_providers`` are framework names; ``provider_before_dot`` cuts ``openai.chat`` to ``openai``.
    ``attributes_fill_raw``: a total that the raw object leaves open (a stream that broke off) is on the span itself.
    ``currency`` is that of the cost it computes. ``content``, ``content_prefixes``: attributes with texts;
    ``reduced``: those of them whose inside holds ids or usage; ``kept_prefixes``: attributes kept beside those read.
    """

    name: str
    version: int
    rank: int
    keys: Mapping[str, tuple[str, ...]]
    roles: tuple[When, ...]
    source: str
    traps: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    scope_prefixes: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    before: str | None = None
    raw: tuple[RawUsage, ...] = ()
    raw_rank: int | None = None
    inside: tuple[Inside, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)
    vantage: Vantage | None = None
    input_excludes_cache: Models = "none"
    output_excludes_reasoning: Models = "none"
    beside: tuple[str, ...] = ()
    inclusive_if: str | None = None
    cache_unsure: bool = False
    cache_untold: Models = "none"
    tool_use_untold: bool = False
    stream_ends_with_finish: bool = False
    raw_has_finish: Models = "none"
    placeholder: int = 0
    answer_quality: Quality | None = None
    uncached_stream_quality: Quality | None = None
    aggregate_quality: Quality | None = None
    estimates: Estimates | None = None
    zero_is_unknown: bool = True
    unsure_zeros: frozenset[str] = frozenset()
    unsure_zeros_of_streams: frozenset[str] = frozenset()
    attributes_fill_raw: bool = False
    nan_is_missing: bool = False
    evidence_of_sibling: bool = False
    provider_before_dot: bool = False
    ignored_providers: frozenset[str] = frozenset()
    pending: tuple[tuple[str, str], ...] = ()
    currency: str = "USD"
    content: frozenset[str] = frozenset()
    content_prefixes: tuple[str, ...] = ()
    reduced: frozenset[str] = frozenset()
    kept_prefixes: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(init=False)
    unit_slots: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", compiled(self.keys))
        slots = self.keys.keys() | {inner.slot for inner in self.inside}
        units = tuple((slot, slot.removeprefix(UNIT)) for slot in sorted(slots) if slot.startswith(UNIT))
        object.__setattr__(self, "unit_slots", units)

    @property
    def label(self) -> str:
        """Name and version, as evidence states them."""
        return f"{self.name}@{self.version}"

    def attribute_names(self) -> frozenset[str]:
        """Every attribute that reading this dialect needs."""
        named = {rule.key for rule in self.roles if rule.key != SPAN_NAME}
        named |= {raw.key for raw in self.raw} | {inner.key for inner in self.inside}
        named |= {key for key, _ in self.pending} | set(self.markers) | set(self.families)
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
