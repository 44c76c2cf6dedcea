"""The table of questions. The CLI, the HTTP API and the reference pages are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, get_args

from tollspan.semconv import QUALITIES
from tollspan_rater.domain.correction import AMENDED
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.quantile import MEASURES as TIMES
from tollspan_rater.query.quantile import OUTPUT_LENGTH, QUANTILES, quantile_columns
from tollspan_rater.query.question import ANY_TAG, Param, Question
from tollspan_rater.rating.allocation import AllocationRule

INEXACT: Final[tuple[str, ...]] = (*(quality for quality in QUALITIES if quality != "exact"), AMENDED)
KEYS: Final[tuple[str, ...]] = tuple(key for key in ATTRIBUTION_FIELDS if key != "billable")
ITEM_STATES: Final[tuple[str, ...]] = ("waiting", "sent", "accepted", "rejected", "held", "superseded")
DIMENSIONS: Final[tuple[str, ...]] = (
    *KEYS,
    *("provider", "model", "operation", "outcome", "quality", "dialect", "flags", "meter"),
    *("reason", "plan", "currency", "segment"),
    *("minute", "hour", "day", "week", "month", "quarter", "period"),
    ANY_TAG,
)
OF_CALLS: Final[tuple[str, ...]] = (OUTPUT_LENGTH, *(name for name in DIMENSIONS if name != "meter"))
AGGREGATES: Final[tuple[str, ...]] = ("sum", "count", "unique", "max", "latest")
COUNTABLE: Final[tuple[str, ...]] = (
    *(key for key in ATTRIBUTION_FIELDS if key != "billable"),
    *("provider", "model", "operation", "call_id"),
)
MEASURES: Final[tuple[str, ...]] = (
    *("charge", "revenue", "cost", "margin", "calls", "value"),
    *("input_tokens", "output_tokens", "total_tokens"),
)


def _sort(default: str) -> Param:
    text = "largest first by this measure, or in order of this dimension"
    return Param("sort", text, "enum", default, choices=(*MEASURES, *DIMENSIONS))


_SPAN_OF_TIME: Final = (
    Param("from", "first day or instant, included", "date"),
    Param("to", "last day or instant, excluded", "date"),
    Param("zone", "the time zone of days and windows; default is the customer's, else the configured one", "zone"),
)
_FILTERS: Final = (
    *(Param(key, f"only this {key.replace('_', ' ')}") for key in ATTRIBUTION_FIELDS if key != "billable"),
    Param("provider", "only this provider"),
    Param("model", "only this model"),
    Param("operation", "only this operation, for example chat"),
    Param("outcome", "only this outcome, for example failed"),
    Param("reason", "only usage with this reason, for example included"),
    Param("segment", "only customers of this segment"),
    Param("unattributed", "only usage without a customer", "flag"),
    Param("unpriced", "only usage without a price", "flag"),
)
_AGGREGATE: Final = (
    Param("meter", "only this meter, by --aggregate, for example input or document_page"),
    Param("aggregate", "how a meter's events become one value, by default their sum", "enum", choices=AGGREGATES),
    Param("of", "whose different values --aggregate unique counts", "enum", choices=COUNTABLE),
)
_AGAINST_PLAN: Final = Param("against_plan", "what is left of allowances in the running period instead", "flag")
_BY: Final = Param("by", "group by these dimensions", "enum", "customer", repeat=True, choices=DIMENSIONS)
_TOP: Final = Param("top", "only so many rows", "int")
_LIMIT: Final = Param("limit", "at most so many rows", "int", "100")
_PERIOD: Final = Param(
    "period", "a month, week (2026-W47), quarter, year or first day; default is the running one", "period"
)
_KIND: Final = Param("kind", "calls, the default, or units of other meters", "enum", choices=("call", "unit"))
_ONE_CUSTOMER: Final = Param("customer", "only this customer")
_AS_OF: Final = Param("as_of", "as known at a position, before a time, now, or stored: now, without waiting", "moment")

_MISSING: Final = ("unmeasured", "unpriced", "unknown_cost")
_TABLE: Final = (
    Question(
        "usage",
        "Who used what: calls, tokens by kind, charge, cost and share; or one meter by --aggregate.",
        (*_SPAN_OF_TIME, _BY, _sort("charge"), _TOP, *_AGGREGATE, *_FILTERS, _AGAINST_PLAN, _AS_OF),
        "tollspan usage --by customer,model --from 2026-11-01 --top 20",
        brief=(
            *("calls", "units", "quantity", "input_tokens", "cache_read_tokens", "output_tokens", "charge"),
            *("currency", "cost", "meter", "aggregate", "value", "events", "unstated", "share"),
            *("cumulative_share", *_MISSING),
            *("period", "plan", "limit", "used", "remaining", "over", "resets_at"),
        ),
        quiet=("units", "quantity", "cache_read_tokens", "unstated", *_MISSING),
    ),
    Question(
        "calls",
        "One row for each physical provider call.",
        (
            *_SPAN_OF_TIME,
            *_FILTERS,
            _KIND,
            _LIMIT,
            Param("cursor", "go on after this place of an earlier answer"),
            Param("line", "the calls that add to this line of a bill, each with its part"),
            _AS_OF,
        ),
        "tollspan calls --customer acme --from 2026-11-01 --format csv",
        brief=(
            *("started_at", "call_id", "customer", "model", "input_tokens", "output_tokens", "reason"),
            *("meter", "quantity", "cost", "charge", "line_amount"),
        ),
        quiet=("meter", "quantity"),
    ),
    Question(
        "invoice",
        "The bill of a customer: lines with meter, quantity, unit price, amount and why.",
        (
            Param("customer", "whose bill", positional=True),
            Param("all", "the bills of all customers", "flag"),
            _PERIOD,
            _AS_OF,
        ),
        "tollspan invoice acme --period 2026-11",
        one_of=("customer", "all"),
        brief=("customer", "line_id", "description", "quantity", "included", "unit_price", "amount", "currency", "why"),
        quiet=("included",),
    ),
    Question(
        "statements.list",
        "Closed periods with cut-off, digest and total; they never change.",
        (_ONE_CUSTOMER, Param("period", "only this period", "period"), _AS_OF),
        "tollspan statements list --customer acme",
        brief=("customer", "period", "closed_at", "cutoff", "amount", "currency", "digest"),
    ),
    Question(
        "statements.show",
        "The lines of a closed period as they were booked, and what was adjusted since.",
        (
            Param("customer", "whose statement", positional=True, required=True),
            Param("period", "the closed period, for example 2026-11", "period", required=True),
            _AS_OF,
        ),
        "tollspan statements show acme --period 2026-11",
        brief=(
            *("line_id", "kind", "service_period", "description", "quantity", "amount", "currency", "adjusted_since"),
            "booked_in",
        ),
        quiet=("adjusted_since",),
    ),
    Question(
        "ledger",
        "What was booked: postings that sum to zero, or the balance of each account.",
        (
            _ONE_CUSTOMER,
            Param("period", "only what was booked in this period", "period"),
            Param("account", "only this account, for example receivable/acme"),
            Param("balances", "the balance of each account and currency", "flag"),
            _AS_OF,
        ),
        "tollspan ledger --customer acme --balances",
        brief=("customer", "period", "position", "line_id", "account", "amount", "currency"),
    ),
    Question(
        "allowance",
        "What is left of a customer's allowances: limit, used, remaining, over, resets at.",
        (
            Param("customer", "whose allowances", positional=True),
            Param("all", "the allowances of all customers", "flag"),
            _PERIOD,
            _AS_OF,
        ),
        "tollspan allowance acme",
        one_of=("customer", "all"),
        brief=("customer", "plan", "meter", "limit", "added", "rolled_over", "used", "remaining", "over", "resets_at"),
        quiet=("added", "rolled_over"),
    ),
    Question(
        "leakage",
        "What failed, aborted and retried attempts used and cost, and their share of everything.",
        (*_SPAN_OF_TIME, _BY, _TOP, *_FILTERS, _AS_OF),
        "tollspan leakage --by customer,feature,model --from 2026-11-01",
        brief=(
            *("attempts", "failed", "aborted", "retried", "not_charged", "total_tokens", "share_of_tokens"),
            *("cost", "cost_currency", "share_of_cost", "charge", "currency", "unknown_cost"),
        ),
        quiet=("aborted", "retried", "not_charged", "charge", "unknown_cost"),
    ),
    Question(
        "latency",
        "How long calls took: quantiles of time to first token, duration, output length and output rate.",
        (
            *_SPAN_OF_TIME,
            Param("by", "group by these dimensions", "enum", "model", repeat=True, choices=OF_CALLS),
            Param("quantiles", "these quantiles", "enum", "p50,p95", repeat=True, choices=tuple(QUANTILES)),
            Param(
                "sort",
                "largest first by the last quantile of this measure, or in order of this dimension",
                "enum",
                "calls",
                choices=("calls", *TIMES, *OF_CALLS),
            ),
            _TOP,
            *(param for param in _FILTERS if param.name != "unpriced"),
            _AS_OF,
        ),
        "tollspan latency --by model,day --outcome complete --from 2026-11-01",
        brief=("calls", *quantile_columns(tuple(QUANTILES))),
        quiet=tuple(TIMES.values()),
    ),
    Question(
        "margin",
        "Revenue, provider cost and margin; what has no price or cost is shown apart.",
        (*_SPAN_OF_TIME, _BY, _sort("margin"), _TOP, *_FILTERS, _AS_OF),
        "tollspan margin --by model",
        brief=(
            *("calls", "revenue", "base_fees", "modifiers", "imported", "cost", "margin", "margin_percent", "currency"),
            *("share", "cumulative_share", *_MISSING),
        ),
        quiet=("modifiers", "imported", *_MISSING),
    ),
    Question(
        "allocation",
        "What cost centres have of their own and bear of what is shared; it adds up to the whole.",
        (
            *_SPAN_OF_TIME,
            Param("by", "the key whose values are cost centres, as the configuration says", "enum", choices=KEYS),
            Param("shared", "the value of that key which stands for all of them"),
            Param("rule", "who bears how much", "enum", choices=get_args(AllocationRule)),
            Param("weights", "for the rule weights: NAME=NUMBER", repeat=True),
            Param("measure", "what is divided", "enum", "cost", choices=("cost", "charge")),
            _AS_OF,
        ),
        "tollspan allocation --by organization --from 2026-11-01 --to 2026-12-01",
    ),
    Question(
        "inexact",
        "How much of each customer's usage is not exact, why, and what is charged for it.",
        (
            *_SPAN_OF_TIME,
            *_FILTERS,
            Param("quality", "only this quality", "enum", choices=INEXACT),
            _TOP,
            _AS_OF,
        ),
        "tollspan inexact --from 2026-11-01",
        brief=(
            *("customer", "quality", "why", "dialect", "calls", "units", "total_tokens", "share_of_tokens"),
            *("share_of_calls", "reason", "charge", "currency"),
        ),
        quiet=("units",),
    ),
    Question(
        "duplicates",
        "Calls that may have been counted on both sides of a gateway; nothing is merged by guess.",
        (*_SPAN_OF_TIME, _ONE_CUSTOMER, _LIMIT, _AS_OF),
        "tollspan duplicates --from 2026-11-01",
        brief=(
            *("started_at", "customer", "call_id", "outer_call_id", "model", "input_tokens", "output_tokens"),
            *("charge", "currency", "why"),
        ),
    ),
    Question(
        "contradictions",
        "Calls that refer to another plan or subscription than the one in force; prices never depend on it.",
        (*_SPAN_OF_TIME, _ONE_CUSTOMER, _AS_OF),
        "tollspan contradictions --customer acme",
    ),
    Question(
        "explain",
        "Why something costs what it costs: a trace, span, call or invoice line, its way to the bill and back.",
        (Param("id", "a trace id, span id, call id or line id", "id", positional=True, required=True), _AS_OF),
        "tollspan explain 5b8efff798038103d269b633813fc60c",
    ),
    Question(
        "lines",
        "Rated lines, one for each price item and base fee of a customer's month, as exports carry them.",
        (_PERIOD, _ONE_CUSTOMER, _AS_OF),
        "tollspan export csv --period 2026-11 --out november",
        scope="export",
    ),
    Question(
        "export.status",
        "How the items of each export stand: waiting, sent without an answer, accepted, rejected, held.",
        (Param("export", "only this export"),),
        "tollspan export status",
        scope="export",
        brief=(*("export", "target", "state", "waiting", "sent", "accepted", "rejected", "held"), "superseded"),
        quiet=("superseded",),
    ),
    Question(
        "export.items",
        "The items of an export: what was handed over, when, and what the target said.",
        (
            Param("export", "which export", positional=True, required=True),
            Param("state", "only items that stand so", "enum", choices=ITEM_STATES),
            _ONE_CUSTOMER,
            Param("period", "only items of this billing period", "period"),
            _LIMIT,
        ),
        "tollspan export items billing --state rejected",
        scope="export",
        brief=(
            *("item_id", "customer", "service", "meter", "quantity", "amount", "currency", "state", "code", "why"),
            "external_id",
        ),
        quiet=("quantity", "amount", "currency", "code", "why"),
    ),
    Question(
        "export.check",
        "What an export would not hand over: customers, meters and lines without words in its mapping. Exit 1 on any.",
        (Param("export", "which export", positional=True, required=True),),
        "tollspan export check billing",
        scope="export",
        brief=("what", "name", "why", "drafts"),
    ),
    Question(
        "export.reconcile",
        "What we know, what was handed over and what the target says it has, by customer, meter and day.",
        (
            Param("export", "which export", positional=True, required=True),
            Param("from", "first day, included; default is 31 days ago", "date"),
            Param("to", "last day, excluded", "date"),
            Param("period", "a billing period in place of days: of amounts, the statements of that period", "period"),
            _ONE_CUSTOMER,
        ),
        "tollspan export reconcile billing --period 2026-11",
        scope="export",
        brief=(
            *("customer", "meter", "day", "currency", "ours", "accepted", "pending", "rejected", "target"),
            *("difference", "cause"),
        ),
        quiet=("currency", "pending", "rejected"),
    ),
    Question(
        "audit",
        "The equations with their numbers: is anything missing or counted twice? Exit 1 on a difference.",
        (
            Param("full", "count again from the journal's bytes", "flag"),
            Param("sender", "the records of this sender's processes, and which are missing, instead of equations"),
            Param("senders", "the same of all processes that number their records", "flag"),
            _AS_OF,
        ),
        "tollspan audit --full",
        brief=("equation", "left", "right", "difference", "holds", "terms", "process_id", "missing", "gaps"),
        quiet=("difference",),
    ),
    Question(
        "pricing.show",
        "The price versions that were applied, and the plans and cards of one.",
        (Param("version", "the cards and plans of this version"), _AS_OF),
        "tollspan pricing show",
    ),
    Question(
        "pricing.diff",
        "What a pricing folder would change: prices, and each customer's bill on real usage. Writes nothing.",
        (
            Param("files", "the folder, as a JSON object {file name: text}", "json", required=True),
            Param("from", "first day on which it would hold; a past day shows the bills since then", "date"),
            Param("period", "the period whose usage is rated; default is each customer's last ended one", "period"),
            Param("against", "compare with this version instead of the one in force"),
            _ONE_CUSTOMER,
            _TOP,
            _AS_OF,
        ),
        "tollspan pricing diff pricing/ --period 2026-10",
        brief=("part", "customer", "period", "document", "name", "change", "was", "is", "difference", "currency"),
    ),
    Question(
        "pricing.simulate",
        "A past period as applied and under other prices or plans: revenue, cost, margin, who pays more or less.",
        (
            Param("folders", "pricing folders, as a JSON object {name: {file name: text}}", "json"),
            Param("plan", "put all customers on this plan; several are several scenarios", repeat=True),
            Param("against", "the period whose usage is rated; default is each customer's last ended one", "period"),
            _ONE_CUSTOMER,
            Param("top", "only so many customers, those whose bills change most", "int"),
            _AS_OF,
        ),
        "tollspan pricing simulate cheaper/ flat-fee/ --against 2026-10",
        brief=("part", "scenario", "customer", "period", "currency", "revenue", "cost", "margin", "difference"),
    ),
    Question(
        "revenue.list",
        "Revenue that was billed elsewhere and imported; it counts in margin.",
        (*_SPAN_OF_TIME, _ONE_CUSTOMER, _LIMIT, _AS_OF),
        "tollspan revenue list --customer acme",
    ),
    Question(
        "meters.show",
        "The span rules in force, in their order; rules hold for the spans that came after them.",
        (
            Param("version", "the rules of this version, as they were applied"),
            Param("versions", "the versions that were applied, instead of rules", "flag"),
        ),
        "tollspan meters show",
        brief=(
            *("rule", "meter", "form", "quantity", "billed_elsewhere", "when"),
            *("version", "since_position", "recorded_at", "note"),
        ),
        quiet=("billed_elsewhere",),
    ),
    Question(
        "quarantine.list",
        "Pieces that could not be read, with reason and error.",
        (Param("reason", "only pieces kept aside for this reason"), _LIMIT, _AS_OF),
        "tollspan quarantine list --reason future",
    ),
    Question(
        "quarantine.show",
        "One piece in quarantine: its ids, error and size.",
        (Param("id", "POSITION:ORDINAL as the list shows it", positional=True, required=True),),
        "tollspan quarantine show 17:3",
        scope="admin",
    ),
    Question(
        "corrections.list",
        "Corrections of calls, the newest first: who said what, when and why, and what was taken back.",
        (Param("correction", "the calls of this correction, with what it says of each"), _LIMIT, _AS_OF),
        "tollspan correct list",
        brief=(
            "correction",
            "kind",
            "at",
            "actor",
            "note",
            "calls",
            "taken_back",
            "changes",
            "call_id",
            "taken_back_by",
        ),
        quiet=("taken_back", "taken_back_by"),
    ),
    Question(
        "customers.list",
        "Customers with plan, segment, currency and zone.",
        (_ONE_CUSTOMER, Param("seen", "also those whom nobody set, and who have usage", "flag"), _AS_OF),
        "tollspan customers list",
    ),
    Question(
        "keys.list",
        "Keys with their scopes; never their secrets.",
        (),
        "tollspan keys list",
        scope="admin",
    ),
    Question(
        "config.show",
        "Each configuration value and where it came from.",
        (),
        "tollspan config show",
        scope="admin",
    ),
)
QUESTIONS: Final[Mapping[str, Question]] = {entry.name: entry for entry in _TABLE}


def question(name: str) -> Question:
    """Return a question of the table.

    Raises:
        NotFoundError: no such question.
    """
    if name not in QUESTIONS:
        close = get_close_matches(name, QUESTIONS, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"Ask one of: {', '.join(QUESTIONS)}."
        raise NotFoundError("question", name, remedy)
    return QUESTIONS[name]
