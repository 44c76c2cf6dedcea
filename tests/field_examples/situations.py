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
)  # fmt: skip
