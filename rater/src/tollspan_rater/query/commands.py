"""The table of commands: every act that changes an answer, the shape of its body and the scope it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tollspan_rater.errors import NotFoundError, UsageError

Id = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
ScopeName = Literal["ingest", "usage", "query", "customer-query", "pricing", "export", "enforce", "admin"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone of the IANA list, for example Europe/Berlin") from error
    return name


def _instant(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("give a day or an instant, for example 2026-11-01 or 2026-11-01T12:00:00Z") from error
    return text


Zone = Annotated[str, AfterValidator(_known_zone)]
Instant = Annotated[str, AfterValidator(_instant)]


class Body(BaseModel):
    """The body of a command: unknown fields are refused, fields that are not given stay away."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Nothing(Body):
    """A command that needs no details."""


class AddonHeld(Body):
    """So many of an add-on from day ``from`` on (in the customer's zone), until the next entry or before day ``to``.

    Without ``from`` since ever. A quantity of 0 ends it.
    """

    addon: Id
    quantity: Decimal = Field(Decimal(1), ge=0, max_digits=18, decimal_places=6)
    from_: date | None = Field(None, alias="from")
    to: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> AddonHeld:
        if self.to is not None and self.from_ is not None and self.to <= self.from_:
            raise ValueError("the day `to` is the first without the add-on: give one after `from`")
        return self


class CustomerSet(Body):
    """What is to be known of a customer; a field that is not given keeps its value.

    ``plan`` holds from day ``from`` on (in the customer's zone); without ``from`` since ever. ``addons`` are added
    to those known; one replaces the entry of the same add-on and day. ``anchor`` is a day on which one of the
    customer's periods begins; an empty text takes it back.
    """

    customer: Id
    name: str | None = None
    plan: Id | None = None
    from_: date | None = Field(None, alias="from")
    segment: str | None = None
    phase: str | None = None
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    zone: Zone | None = None
    external_ids: dict[str, str] | None = None
    addons: list[AddonHeld] | None = None
    anchor: date | Literal[""] | None = None

    @model_validator(mode="after")
    def _day_needs_plan(self) -> CustomerSet:
        if self.from_ is not None and self.plan is None:
            raise ValueError("a day without a plan says nothing: give the plan that holds from then on")
        return self


class CustomerImport(Body):
    """Many customers at once, all or none."""

    customers: list[CustomerSet] = Field(min_length=1)


class KeyCreate(Body):
    """A new key. Only the hash of its secret travels and is kept (``api.keys``)."""

    key_id: str = Field(pattern="^[0-9a-f]{16}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: list[ScopeName] = Field(min_length=1)
    label: str = ""
    customer: Id | None = None

    @model_validator(mode="after")
    def _customer_key_names_its_customer(self) -> KeyCreate:
        if ("customer-query" in self.scopes) != (self.customer is not None):
            raise ValueError("scope customer-query and a customer go together: give both or none")
        if self.customer is not None and self.scopes != ["customer-query"]:
            raise ValueError("a customer's key may have no scope but customer-query")
        return self


class KeyRevoke(Body):
    """The key that is to stop working."""

    key_id: str


class PricingApply(Body):
    """A folder of rate cards and plans as ``{file name: text}``, valid from a day on."""

    files: dict[str, str] = Field(min_length=1)
    valid_from: date | None = None
    note: str = ""


class RevenueEntry(Body):
    """Revenue that another system billed a customer; ``amount`` is net, on ``day``. An ``id`` counts once."""

    id: Id
    customer: Id
    day: date
    amount: Decimal = Field(max_digits=30, decimal_places=12, allow_inf_nan=False)
    currency: str = Field(pattern="^[A-Z]{3}$")
    note: str = ""


class RevenueImport(Body):
    """Revenue billed elsewhere; an id that is known already is replaced, and one that says the same changes nothing."""

    entries: list[RevenueEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> RevenueImport:
        known: dict[str, RevenueEntry] = {}
        for entry in self.entries:
            if known.setdefault(entry.id, entry) != entry:
                raise ValueError(f"id {entry.id!r} stands twice with different content: give each entry its own id")
        return self


class MetersApply(Body):
    """The text of a file of span-to-meter rules; ``name`` is what messages call it."""

    file: str
    name: str = "meters.yaml"
    note: str = ""


class QuarantineReplay(Body):
    """Which quarantined pieces to read again: one piece, all of one reason, or everything."""

    id: str | None = None
    reason: str | None = None


class Reextract(Body):
    """Which spans are read again, by the time at which they started, in the configured zone.

    ``since`` is included, ``until`` excluded. A ``dry_run`` only says what would change.
    """

    since: Instant
    until: Instant | None = None
    dry_run: bool | None = None


class PeriodClose(Body):
    """The period to close, by its label, of one ``customer`` or of ``all``."""

    period: str = Field(min_length=1, max_length=32)
    customer: Id | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _of_one_or_all(self) -> PeriodClose:
        if (self.customer is None) == (self.all is None):
            raise ValueError("name one customer, or say all: exactly one of them")
        return self


class ChangedCall(Body):
    """One call with what is to change about it: names with new values, an empty one for what nobody knows."""

    call: Id
    set: dict[Id, str | int | bool] = Field(min_length=1)


class CallsNamed(Body):
    """Which calls a correction is about: ``calls`` by id, or all that stand and fit ``filters`` within a span of time.

    ``note`` says why, for whoever reads the history. A ``key`` makes the correction once, however often it is sent.
    A ``dry_run`` only says what would change.
    """

    calls: list[Id] | None = Field(None, min_length=1)
    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None
    filters: dict[Id, Id] | None = Field(None, min_length=1)
    unattributed: Literal[True] | None = None
    note: str = Field(min_length=1, max_length=1_000)
    key: Id | None = None
    dry_run: bool | None = None

    @property
    def ways(self) -> int:
        """In how many ways calls are named; one is right."""
        found = (self.from_, self.to, self.filters, self.unattributed)
        return (self.calls is not None) + any(one is not None for one in found)

    @model_validator(mode="after")
    def _named_in_one_way(self) -> CallsNamed:
        if self.ways != 1:
            raise ValueError("name calls by id, or by filters and a span of time: exactly one of them")
        return self


class CallVoid(CallsNamed):
    """Calls that never counted: their usage is on no bill and in no sum, while what was received stays."""


class CallAmend(CallsNamed):
    """New values of provider, model, outcome, service_tier, started_at, or of meters: ``set`` for all calls alike.

    ``each`` names calls with values of their own.
    """

    set: dict[Id, str | int | bool] | None = Field(None, min_length=1)
    each: list[ChangedCall] | None = Field(None, min_length=1)

    @property
    def ways(self) -> int:
        """In how many ways calls are named; one is right."""
        return super().ways + (self.each is not None)

    @model_validator(mode="after")
    def _something_to_set(self) -> CallAmend:
        if (self.set is None) == (self.each is None):
            raise ValueError("say what to set, for all calls alike or for each")
        return self


class CallReattribute(CallAmend):
    """New attribution, such as another customer: ``set`` for all calls alike, ``each`` for calls apart."""


class CallRestore(Body):
    """What is taken back: a whole ``correction``, or whatever corrections hold for some ``calls``."""

    correction: str | None = Field(None, pattern="^cr_[0-9a-f]{24}$")
    calls: list[Id] | None = Field(None, min_length=1)
    note: str = Field(min_length=1, max_length=1_000)
    key: Id | None = None
    dry_run: bool | None = None

    @model_validator(mode="after")
    def _named_in_one_way(self) -> CallRestore:
        if (self.correction is None) == (self.calls is None):
            raise ValueError("name a correction, or calls: exactly one of them")
        return self


class ExportPlan(Body):
    """What an export is to tell now: everything new, or only what was used or billed in a span of time or a period.

    A ``dry_run`` only says what would be sent, in the target's words.
    """

    export: Id
    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None
    period: str | None = Field(None, min_length=1, max_length=32)
    dry_run: bool | None = None

    @model_validator(mode="after")
    def _one_span(self) -> ExportPlan:
        if self.period is not None and (self.from_ is not None or self.to is not None):
            raise ValueError("give a period, or from and to: one of both")
        return self


class ExportRun(Body):
    """Which export sends what is due, and for how many seconds at most.

    ``now``: what waits after a try in vain is tried at once.
    """

    export: Id
    seconds: int | None = Field(None, gt=0)
    now: bool | None = None


class ExportRetry(Body):
    """Rejected items that are planned anew: one ``item``, all with one ``code``, or all.

    ``present`` or ``absent`` say of one item whether the target has it, where nobody else can tell.
    """

    export: Id
    item: Id | None = None
    code: str | None = None
    present: Literal[True] | None = None
    absent: Literal[True] | None = None
    external_id: str | None = None
    dry_run: bool | None = None

    @model_validator(mode="after")
    def _decides_one(self) -> ExportRetry:
        if self.present and self.absent:
            raise ValueError("an item is present or absent: give one of both")
        if (self.present or self.absent) and self.item is None:
            raise ValueError("say which item is present or absent")
        if self.external_id is not None and not self.present:
            raise ValueError("external_id is what the target calls an item that is present")
        if self.item is not None and self.code is not None:
            raise ValueError("give an item, or a code: one of both")
        return self


class ExportSwitch(Body):
    """Which export stops sending, or goes on; ``note`` says why."""

    export: Id
    note: str = ""


class Forget(Body):
    """The subject (a user or customer id) whose name is to be forgotten; totals stay."""

    subject: Id


class Snapshot(Body):
    """Whether the journal days that the snapshot covers stay."""

    keep_journal: bool | None = None


class Backup(Body):
    """Where the backup goes: an absolute path that does not exist yet."""

    to: str


@dataclass(frozen=True, slots=True)
class CommandKind:
    """One kind of command: what it does, the shape of its body, the scope it needs.

    ``local`` commands name paths on the machine of the data folder; only its owner may send them.
    """

    kind: str
    help: str
    body: type[Body]
    scope: Literal["admin", "pricing", "export"] = "admin"
    local: bool = False


_TABLE: Final = (
    CommandKind("customer.set", "Set what is known of a customer.", CustomerSet),
    CommandKind("customer.import", "Set many customers at once.", CustomerImport),
    CommandKind("key.create", "Register a key by its hash.", KeyCreate),
    CommandKind("key.revoke", "Stop a key from working.", KeyRevoke),
    CommandKind("pricing.apply", "Apply a folder of rate cards and plans as a new version.", PricingApply, "pricing"),
    CommandKind("revenue.import", "Import revenue that was billed elsewhere.", RevenueImport),
    CommandKind("meters.apply", "Apply span-to-meter rules to the spans that come from now on.", MetersApply),
    CommandKind("quarantine.replay", "Read quarantined pieces again.", QuarantineReplay),
    CommandKind("reextract", "Read history again with the tables of this release and book what differs.", Reextract),
    CommandKind("period.close", "Close a period: book its bill and what is adjusted with it.", PeriodClose),
    CommandKind("call.void", "Take calls out of every sum and bill.", CallVoid),
    CommandKind("call.amend", "Change quantities, model, provider, outcome or time of calls.", CallAmend),
    CommandKind("call.reattribute", "Attribute calls to another customer, feature or other key.", CallReattribute),
    CommandKind("call.restore", "Take corrections of calls back.", CallRestore),
    CommandKind("export.plan", "Plan what an export has to tell now, without sending it.", ExportPlan, "export"),
    CommandKind("export.run", "Send what an export has planned and is due.", ExportRun, "export"),
    CommandKind("export.retry", "Plan rejected items anew, or say what a look found.", ExportRetry, "export"),
    CommandKind("export.pause", "Stop an export from sending.", ExportSwitch, "export"),
    CommandKind("export.resume", "Let a paused export send again.", ExportSwitch, "export"),
    CommandKind("forget", "Remove a person's name and keep every total.", Forget),
    CommandKind("rebuild", "Build the store again from the journal.", Nothing),
    CommandKind("snapshot", "Write a verified snapshot and drop the journal days that it covers.", Snapshot),
    CommandKind("backup", "Write a backup of the folder.", Backup, local=True),
)
COMMANDS: Final[Mapping[str, CommandKind]] = {entry.kind: entry for entry in _TABLE}


def command(kind: str) -> CommandKind:
    """Return a command of the table.

    Raises:
        NotFoundError: no such command.
    """
    if kind not in COMMANDS:
        raise NotFoundError("command", kind, f"Send one of: {', '.join(COMMANDS)}.")
    return COMMANDS[kind]


def checked(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Check a command's body and return it as plain JSON values, without what was not given.

    Raises:
        NotFoundError: no such command.
        UsageError: a field is unknown, missing or wrong; names the first one.
    """
    shape = command(kind).body
    try:
        read = shape.model_validate(dict(body))
    except ValidationError as error:
        raise UsageError(f"{kind}: {first_problem(error)}") from None
    return read.model_dump(mode="json", by_alias=True, exclude_none=True)


def first_problem(error: ValidationError) -> str:
    """Put one finding of a validation in a sentence: where, what, what was given; unknown fields come first."""
    found = min(error.errors(include_url=False), key=lambda finding: finding["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in found["loc"]) or "the body"
    given = found["input"]
    shown = f" (given: {given!r})" if isinstance(given, str | int | bool | Decimal) else ""
    return f"{where}: {found['msg'].removeprefix('Value error, ')}{shown}"
