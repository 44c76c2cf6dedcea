"""The price versions that were applied, and what one of them says."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.accounts import book_of, price_files
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant, plain


def pricing_show(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: all applied versions, or the prices of one."""
    versions = scope.accounts.versions
    wanted = params.get("version")
    if wanted is None:
        rows: list[dict[str, Cell]] = [
            {
                "version": one.version,
                "valid_from": instant(one.valid_from_ns) if one.valid_from_ns else None,
                "recorded_at": instant(one.at_ns),
                "position": one.position,
                "author": one.author,
                "note": one.note,
                "files": sorted(one.files),
            }
            for one in versions
        ]
        return Answer(
            "Price versions",
            ("version", "valid_from", "recorded_at", "position", "author", "note", "files"),
            rows,
            scope.as_of,
            scope.zone,
            notes=() if rows else ("no prices are applied: tollspan pricing apply DIR",),
            details={"today": from_ns(scope.now_ns).astimezone(ZoneInfo(scope.zone)).date().isoformat()},
        )
    chosen = next((one for one in versions if one.version == wanted), None)
    if chosen is None:
        raise NotFoundError("price version", wanted, "tollspan pricing show lists them.")
    book = book_of(tuple(sorted(price_files(chosen.files).items())))
    prices: list[dict[str, Cell]] = []
    for card in book.cards.values():
        for item in card.items:
            unit = getattr(item.price, "unit_price", None)
            prices.append(
                {
                    "card": card.name,
                    "meter": item.meter,
                    "provider": item.provider,
                    "model": item.model,
                    "price_model": type(item.price).__name__.lower(),
                    "unit_price": plain(unit),
                    "currency": card.currency,
                    "quoted_per": item.per,
                }
            )
    notes = [
        f"plan {plan.name}: cards {', '.join(plan.cards)}, {plan.currency}, "
        f"base fee {'none' if plan.base_fee is None else plan.base_fee.amount}"
        for plan in book.plans.values()
    ]
    columns = ("card", "meter", "provider", "model", "price_model", "unit_price", "currency", "quoted_per")
    return Answer(f"Prices of {wanted}", columns, prices, scope.as_of, notes=notes)
