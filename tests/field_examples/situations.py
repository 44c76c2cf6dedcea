"""What guides on usage metering show, as situations: calls, price list and plan, and the answers that must come out."""

from __future__ import annotations

from dataclasses import dataclass, field

GPT = "gpt-4.1"  # costs $2 input, $0.50 cached input, $8 output per million tokens


@dataclass(frozen=True)
class Use:
    """``times`` equal calls; ``said`` is the attribution, ``stated_cost`` what an application claims they cost."""

    customer: str
    input: int
    output: int
    times: int = 1
    cached: int = 0
    stated_cost: float | None = None
    said: dict[str, str] = field(default_factory=dict)
    outcome: str = "complete"


@dataclass(frozen=True)
class Ask:
    """A question, the row of its answer (its first row that has these cells; ``None``: its totals), and its cells."""

    question: str
    params: dict[str, str]
    row: dict[str, str] | None
    cells: dict[str, object]


@dataclass(frozen=True)
class Situation:
    """One row of the table: its words, what happens, what is asked."""

    id: str
    words: str
    uses: tuple[Use, ...]
    asks: tuple[Ask, ...]
    plan: str = ""  # the one plan, which every customer holds; none: unpriced
    sends: int = 1


def per_million(input_price: str, output_price: str) -> str:
    return f"""
card: prices
currency: USD
per: 1M
prices: [{{model: "gpt-4.1*", input: {input_price}, output: {output_price}}}]
---
plan: paid
currency: USD
cards: [prices]
"""


def base_fee(amount: int) -> str:
    return f"""
card: included
currency: USD
prices: [{{tokens: 0}}]
---
plan: paid
currency: USD
cards: [included]
base_fee: {amount}
"""


def tokens(price: str) -> str:
    return f"""
card: tokens
currency: USD
per: 1K
prices: [{{tokens: {price}}}]
---
plan: paid
currency: USD
cards: [tokens]
"""


FREE = """
card: tokens
currency: USD
prices: [{tokens: 0}]
---
plan: paid
currency: USD
cards: [tokens]
included: {tokens: 50_000}
"""
CREDITS = """
card: credits
currency: USD
meters: [credits]
prices:
  - {convert: {to: credits, per: 1, input: 1, output: 1}}
  - {credits: 0.01}
---
plan: paid
currency: USD
cards: [credits]
"""
HYBRID = (
    CREDITS
    + """base_fee: 99
included: {credits: 10_000}
"""
)


EVENT = {"user": "user_456", "workspace": "workspace_789", "feature": "ai_support_reply"}
ACME = Use("Acme Inc.", 3_200, 740, said={"feature": "Document summary"})
REPLY = Use("cus_123", 1_200, 350, stated_cost=0.0124, said=EVENT)
IN_TEST = Use("cus_123", 1_200, 350, stated_cost=0.0124, said={**EVENT, "environment": "test"})
CACHED = Use("cus_123", 1_200, 350, cached=1_000, said=EVENT)
JULY = {"period": "2026-07"}

SITUATIONS = (
    Situation(
        "a",
        "one call of a customer for a feature",
        (ACME,),
        (
            Ask("usage", {"by": "customer,feature"}, {"customer": "Acme Inc.", "feature": "Document summary"},
                {"calls": 1, "input_tokens": 3_200, "output_tokens": 740, "total_tokens": 3_940, "cost": "0.01232"}),
        ),
    ),
    Situation(
        "b",
        "a usage event sent twice with one id, which states a cost of its own",
        (REPLY,),
        (
            Ask("calls", {}, {},
                {"customer": "cus_123", "user": "user_456", "workspace": "workspace_789",
                 "feature": "ai_support_reply", "provider": "openai", "model": GPT, "input_tokens": 1_200,
                 "output_tokens": 350, "total_tokens": 1_550, "cost": "0.0052", "reported_cost": "0.0124",
                 "started_at": "2026-07-05T10:30:00.000000Z"}),
            Ask("usage", {"by": "month"}, {"month": "2026-07"}, {"calls": 1, "total_tokens": 1_550, "cost": "0.0052"}),
            Ask("audit", {}, {"equation": "pieces journaled = sum of fates"}, {"terms": "duplicate 1, stored 1"}),
        ),
        sends=2,
    ),
    Situation(
        "c",
        "the same event from a test environment",
        (IN_TEST,),
        (
            Ask("usage", {"by": "environment"}, {"environment": "test"},
                {"calls": 1, "input_tokens": 1_200, "output_tokens": 350, "cost": "0.0052", "charge": 0}),
            Ask("calls", {}, {},
                {"on_invoice": False, "counts_toward_quota": False, "reason": "test", "charge": 0, "cost": "0.0052"}),
        ),
        plan=per_million("4", "16"),
    ),
    Situation(
        "d",
        "1,000 tokens of the input come from a cache: the provider charges less, 0.0052 - 0.0037 = 0.0015 are saved",
        (CACHED,),
        (
            Ask("calls", {}, {},
                {"input_tokens": 1_200, "cache_read_tokens": 1_000, "output_tokens": 350, "cost": "0.0037"}),
        ),
    ),
    Situation(
        "e1",
        "a price per 1,000 tokens, charged token by token",
        (ACME,),
        (
            Ask("invoice", {"customer": "Acme Inc.", **JULY}, {"meter": "tokens"},
                {"quantity": 3_940, "amount_exact": "0.0788", "amount": "0.08"}),
        ),
        plan=tokens("0.02"),
    ),
    Situation(
        "e2",
        "a price per begun 1,000 tokens",
        (ACME,),
        (
            Ask("invoice", {"customer": "Acme Inc.", **JULY}, {"meter": "tokens"},
                {"quantity": 3_940, "amount_exact": "0.08", "amount": "0.08"}),
        ),
        plan=tokens("{package: {size: 1_000, price: 0.02}}"),
    ),
    Situation(
        "f",
        "input and output have prices of their own; half of the charge is margin",
        (REPLY,),
        (
            Ask("calls", {}, {}, {"charge": "0.0104", "cost": "0.0052", "currency": "USD"}),
            Ask("margin", {"by": "customer"}, {"customer": "cus_123"},
                {"revenue": "0.0104", "cost": "0.0052", "margin": "0.0052", "margin_percent": 50}),
        ),
        plan=per_million("4", "16"),
    ),
    Situation(
        "i",
        "a free plan with 50,000 tokens a month: the 13th call of 3,940 is over it by 1,220; exactly 50,000 is inside",
        (Use("twelve", 3_200, 740, times=12), Use("thirteen", 3_200, 740, times=13), Use("at", 50_000, 0),
         Use("beyond", 50_001, 0)),
        (
            Ask("allowance", {"customer": "twelve", **JULY}, {},
                {"limit": 50_000, "used": 47_280, "remaining": 2_720, "over": 0,
                 "resets_at": "2026-08-01T00:00:00.000000Z"}),
            Ask("allowance", {"customer": "thirteen", **JULY}, {}, {"used": 51_220, "remaining": 0, "over": 1_220}),
            Ask("allowance", {"customer": "at", **JULY}, {}, {"remaining": 0, "over": 0}),
            Ask("usage", {"against_plan": "true", "customer": "beyond"}, {}, {"remaining": 0, "over": 1}),
            Ask("allowance", {"customer": "thirteen", "period": "2026-08"}, {}, {"used": 0, "remaining": 50_000}),
        ),
        plan=FREE,
    ),
    Situation(
        "j",
        "$99 a month includes 10,000 credits, a credit more is $0.01",
        (Use("none", 0, 0), Use("below", 9_999, 0), Use("at", 10_000, 0), Use("one more", 10_001, 0),
         Use("more", 12_000, 0)),
        tuple(
            Ask("invoice", {"customer": customer, **JULY}, None, {"amount": amount})
            for customer, amount in (
                ("none", "99.00"), ("below", "99.00"), ("at", "99.00"), ("one more", "99.01"), ("more", "119.00"),
            )
        ),
        plan=HYBRID,
    ),
    Situation(
        "k",
        "12,000 credits on an invoice, of 13,500 that were accepted",
        (Use("acme", 12_000, 0), Use("acme", 600, 0, said={"phase": "trial"}),
         Use("acme", 400, 0, said={"environment": "internal"}), Use("acme", 300, 0, said={"environment": "test"}),
         Use("acme", 200, 0, outcome="failed")),
        (
            Ask("invoice", {"customer": "acme", **JULY}, {"meter": "credits"},
                {"quantity": 12_000, "amount": "120.00"}),
            *(
                Ask("usage", {"by": "reason"}, {"reason": reason}, {"total_tokens": tokens, "charge": charge})
                for reason, tokens, charge in (
                    ("billable", 12_000, 120), ("trial", 600, 0), ("internal", 400, 0), ("test", 300, 0),
                    ("failed", 200, 0),
                )
            ),
            Ask("usage", {"by": "customer"}, {"customer": "acme"}, {"total_tokens": 13_500}),
        ),
        plan=CREDITS,
    ),
    Situation(
        "l",
        "two customers at $100 a month, one healthy and one not",
        (Use("healthy", 100_000, 75_000, times=10), Use("unhealthy", 1_000_000, 1_000_000, times=10),
         Use("unhealthy", 2_000_000, 0, times=10)),
        (
            Ask("margin", {"by": "customer"}, {"customer": "healthy"},
                {"revenue": 100, "cost": 8, "margin": 92, "margin_percent": 92}),
            Ask("margin", {"by": "customer"}, {"customer": "unhealthy"},
                {"revenue": 100, "cost": 140, "margin": -40, "margin_percent": -40}),
            Ask("margin", {"by": "plan"}, {"plan": "paid"},
                {"revenue": 200, "cost": 148, "margin": 52, "margin_percent": 26}),
        ),
        plan=base_fee(100),
    ),
    Situation(
        "m",
        "the same price, very different use: one customer costs twenty times as much as the other",
        (Use("light", 400, 100, times=500), Use("heavy", 3_000, 250, times=2_000)),
        (
            Ask("margin", {"by": "customer"}, {"customer": "light"},
                {"calls": 500, "cost": "0.8", "margin": "98.2"}),
            Ask("margin", {"by": "customer"}, {"customer": "heavy"},
                {"calls": 2_000, "cost": 16, "margin": 83}),
            Ask("margin", {"by": "customer"}, None, {"calls": 2_500, "revenue": 198, "cost": "16.8"}),
        ),
        plan=base_fee(99),
    ),
    Situation(
        "o",
        "one action of a user takes 15 calls: the run costs fifteen times what its last call shows",
        (Use("cus_123", 800, 120, times=15, said={"run": "run-1", "feature": "research"}),),
        (
            Ask("usage", {"by": "run"}, {"run": "run-1"},
                {"calls": 15, "input_tokens": 12_000, "output_tokens": 1_800, "cost": "0.0384"}),
            Ask("calls", {"run": "run-1"}, {}, {"cost": "0.00256"}),
        ),
    ),
    Situation(
        "p",
        "three attempts, one success: what the other two cost is retry leakage",
        (Use("acme", 1_000, 50, times=2, outcome="failed"), Use("acme", 1_000, 200)),
        (
            Ask("usage", {"by": "customer"}, {"customer": "acme"}, {"calls": 3, "cost": "0.0084", "charge": "0.0072"}),
            Ask("usage", {"by": "reason"}, {"reason": "billable"}, {"input_tokens": 1_000, "output_tokens": 200}),
            Ask("leakage", {"by": "customer"}, {"customer": "acme"},
                {"attempts": 3, "failed": 2, "total_tokens": 2_100, "cost": "0.0048", "share_of_cost": "57.14",
                 "charge": 0}),
        ),
        plan=per_million("4", "16"),
    ),
    Situation(
        "q",
        "one customer uses 4 of 10 million tokens and stands first",
        (Use("heavy", 400_000, 0, times=10), Use("other", 300_000, 0, times=10), Use("third", 300_000, 0, times=10)),
        (
            Ask("usage", {"by": "customer", "sort": "total_tokens", "top": "1"}, {},
                {"customer": "heavy", "total_tokens": 4_000_000, "share": 40, "cumulative_share": 40}),
        ),
    ),
)  # fmt: skip
