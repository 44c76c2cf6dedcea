"""What extraction reads out of one span, and what settlement makes of a set of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import Usage

TERMS: Final = (
    "batch",  # "true" for a call of a batch API
    "geo",  # where the provider ran the inference, as it names the place
    "speed",  # a faster mode at a price of its own, as the provider names it
)
DETAILS: Final = (
    "request_id",  # the provider's id of the HTTP exchange
    "vantage",  # who saw the call: client, gateway or server
    "trace_sampled",  # "false" where the application's trace was sampled out, so that no trace shows the call
    "stated_total",  # the provider's own total of tokens where it is not the sum of its parts: never billed
    "proof",  # what the provider's total proved of parts that stand beside its counts
    "unfit_parts",  # counts that were larger than what contains them, and so split nothing
    "cost_currency",  # of reported_cost
    "other_input",  # the input under its other reading, where a span leaves open whether it contains the cache
    "cost_key",  # the member or attribute that stated reported_cost
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A quantity of a unit meter that a span rule counts on a span; ``rule`` names the rule and its version."""

    meter: str
    quantity: Decimal
    rule: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """What span rules make of a span: the role it has without them, and what it counts, each meter once.

    ``elsewhere`` is set on a view without authority: where its call is billed, in the rule's words, then the rule.
    """

    role: Role
    counts: tuple[Counted, ...]
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Extracted:
    """Everything that settlement, audit and explanation need of one span; no content, no provider names guessed.

    Identity and place: ``tenant``, ``trace_id``, ``span_id``, ``parent_id``, ``start_ns``, ``end_ns``.
    Reading: ``role``, ``dialect`` (table name and version, e.g. ``tollspan@1``), ``rank`` (of the view,
    0 is the best), ``quality``, ``usage``, ``outcome``.
    ``said`` is the attribution that this very span states, ``resource_said`` that of its resource; both
    map attribution keys (and ``tags.NAME``) to text in order of precedence already applied on this span;
    what only a foreign name says stands under ``alias.KEY``, for it yields to tollspan's own names on any span.
    ``final`` is False for a version that its dialect declares pending or partial.
    ``unit_meter``/``unit_quantity`` are what a span of role UNIT states itself; ``ruled`` is what span rules of the
    configuration count on a span of any role.
    ``terms`` are what besides the service tier decides on the provider's price, see ``TERMS``; ``details`` what only
    proves and explains, see ``DETAILS``.
    """

    tenant: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    role: Role
    dialect: str
    rank: int = 99
    final: bool = True
    scope: str = ""
    name: str = ""
    operation: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    record_id: str | None = None
    process_id: str | None = None
    seq: int | None = None
    attempt: int | None = None
    retry_of: str | None = None
    outcome: str | None = None
    quality: str | None = None
    service_tier: str | None = None
    stream: bool | None = None
    retrieve: bool = False  # a poll or retrieve of a response made elsewhere
    ttft_ms: int | None = None
    usage: Usage = field(default_factory=Usage)
    reported_cost: Decimal | None = None
    unit_meter: str | None = None
    unit_quantity: Decimal | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    resource_said: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    ruled: Ruled | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """The span key: (tenant, trace id, span id)."""
        return (self.tenant, self.trace_id, self.span_id)

    @property
    def member(self) -> str:
        """The span as calls name it: ``trace_id:span_id``."""
        return f"{self.trace_id}:{self.span_id}"

    @property
    def billed_elsewhere(self) -> bool:
        """Whether a span rule took its authority from it: another view of its call is billed."""
        return self.ruled is not None and bool(self.ruled.elsewhere)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A decoded span that cannot be read: it goes to quarantine under ``reason`` with ``error``."""

    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two views of one call disagree on ``field``: ``value`` of ``member`` holds, ``other_member`` says ``other``."""

    field: str
    value: str
    member: str
    other: str
    other_member: str


@dataclass(frozen=True, slots=True)
class Call:
    """One physical provider call, or one unit measure (``kind`` ``unit``), as of the spans known so far.

    ``call_id`` is a function of the tenant and the span key of the representing member.
    ``members`` lists all spans that show this call as ``trace_id:span_id``, the representing one first;
    ``trace_ids`` their traces. ``evidence`` is the span whose usage was chosen. Attribution fields are
    ``None`` when nobody said; environment stays ``None`` here and means production. ``started_ns`` is the
    service time. ``terms`` and ``details`` are sorted by name; each comes from the best view that states it.
    """

    tenant: str
    call_id: str
    kind: str  # "call" or "unit"
    started_ns: int
    ended_ns: int
    members: tuple[str, ...]
    trace_ids: tuple[str, ...]
    evidence: str
    dialect: str
    provider: str | None
    model: str | None
    request_model: str | None
    operation: str | None
    response_id: str | None
    record_id: str | None
    attempt: int | None
    retry_of: str | None
    outcome: str
    quality: str
    service_tier: str | None
    stream: bool | None
    ttft_ms: int | None
    usage: Usage
    meter: str | None  # of a unit measure
    quantity: Decimal | None  # of a unit measure
    reported_cost: Decimal | None
    customer: str | None
    user: str | None
    organization: str | None
    project: str | None
    workspace: str | None
    feature: str | None
    feature_flag: str | None
    workflow: str | None
    run: str | None
    prompt: str | None
    prompt_version: str | None
    environment: str | None
    region: str | None
    agent: str | None
    request_type: str | None
    phase: str | None
    subscription: str | None
    billable: bool | None
    tags: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    conflicts: tuple[Conflict, ...] = ()
