"""Where the catalog is known to be wrong: entries that stand above it, each with its source.

Models are named by their catalog id. Only prices with a clear truth are stated; a price that is known to be
wrong and has no agreed truth is declared unknown. Chinese public holidays, on which DeepSeek charges no peak
prices, are priced as working days: an upper bound.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tollspan_rater.cost.rates import RateRow, Unknown
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.money import EXACT

Entry = tuple[RateRow, ...]  # rows that are taken together; of two entries the first that has a meter wins
Period = tuple[str | None, str | None]  # days, the second one exclusive

MILLION: Final = Decimal(10**6)
WEEKEND: Final = (5, 6)
PEAKS: Final = ((3_600, 14_400), (21_600, 36_000))  # 01:00-04:00 and 06:00-10:00 UTC
ALWAYS: Final[Period] = (None, None)
TOKENS: Final = ("input", "cache_read", "output")


def _ns(day: str | None) -> int | None:
    return None if day is None else to_ns(datetime.fromisoformat(day).replace(tzinfo=UTC))


def _priced(
    model: tuple[str, str],
    per_million: dict[str, tuple[str, ...]],
    source: str,
    period: Period = ALWAYS,
    *,
    threshold: int = 0,
    weekdays: tuple[int, ...] | None = None,
) -> Entry:
    """Make an entry of prices per million tokens: one price, or one below and one above the threshold."""
    return tuple(
        RateRow(
            provider=model[0],
            model=model[1],
            meter=meter,
            rate=EXACT.divide(Decimal(price), MILLION),
            source=f"correction: {source}",
            valid_from=_ns(period[0]),
            valid_to=_ns(period[1]),
            threshold=start,
            weekdays=weekdays,
        )
        for meter, prices in per_million.items()
        for start, price in zip((0, threshold), prices, strict=False)
    )


def _stale(
    model: tuple[str, str],
    meters: tuple[str, ...],
    source: str,
    period: Period = ALWAYS,
    windows: tuple[tuple[int, int] | None, ...] = (None,),
) -> Entry:
    """Make an entry that declares the catalog's price unknown."""
    return tuple(
        RateRow(
            provider=model[0],
            model=model[1],
            meter=meter,
            rate=None,
            source=f"correction: {source}",
            reason=Unknown("stale_price", f"{'/'.join(model)}: {source}"),
            valid_from=_ns(period[0]),
            valid_to=_ns(period[1]),
            window=window,
        )
        for meter in meters
        for window in windows
    )


def _three(input_price: str, cache_read: str, output: str) -> dict[str, tuple[str, ...]]:
    return {"input": (input_price,), "cache_read": (cache_read,), "output": (output,)}


_V4_PRO: Final = ("deepseek", "deepseek-v4-pro")
_V4_FLASH: Final = ("deepseek", "deepseek-v4-flash")
_FLASH: Final = ("deepseek", "deepseek-flash")
_DATED: Final = "genai-prices issue 582: peak prices began on 2026-08-17, before that one flat price"
_WEEKEND: Final = "genai-prices issue 582: no peak prices at weekends since 2026-08-23"
_V3: Final = "still listed at its price of early 2025; other lists had 0.28/0.42 in 2026-03 and no two agree since"

CORRECTIONS: Final[tuple[Entry, ...]] = (
    _priced(("openai", "o3"), {"cache_read": ("2.5",)}, "litellm 1.70.2, one quarter of 10", (None, "2025-06-10")),
    _priced(
        ("anthropic", "claude-sonnet-4-0"),
        {
            "input": ("3", "6"),
            "cache_write": ("3.75", "7.5"),
            "cache_write_1h": ("6", "12"),
            "cache_read": ("0.3", "0.6"),
            "output": ("15", "22.5"),
        },
        "litellm 1.80.0 and Helicone list the price above 200k input tokens",
        threshold=200_000,
    ),
    _stale(
        ("openai", "gpt-4o-audio-preview"),
        ("audio_in", "audio_out"),
        "audio is listed at the price of text; its own price differs by version of the model",
    ),
    _priced(_V4_PRO, _three("0.435", "0.003625", "0.87"), _DATED, (None, "2026-08-17")),
    _priced(_V4_PRO, _three("0.66", "0.022", "1.98"), _WEEKEND, ("2026-08-23", None), weekdays=WEEKEND),
    _priced(_V4_FLASH, _three("0.14", "0.0028", "0.28"), _DATED, (None, "2026-08-17")),
    _priced(_V4_FLASH, _three("0.22", "0.007", "0.66"), _WEEKEND, ("2026-08-23", "2026-09-10"), weekdays=WEEKEND),
    _priced(_V4_FLASH, _three("0.15", "0.003", "0.6"), _WEEKEND, ("2026-09-10", None), weekdays=WEEKEND),
    _stale(
        _V4_FLASH,
        TOKENS,
        "the peak price of V4 Flash before V4.1 Flash replaced it on 2026-09-10 is not listed",
        ("2026-08-17", "2026-09-10"),
        PEAKS,
    ),
    _priced(_FLASH, _three("0.15", "0.003", "0.6"), _WEEKEND, weekdays=WEEKEND),
    _stale(("deepseek", "deepseek-chat"), TOKENS, _V3, ("2025-09-05", None)),
    _stale(("deepseek", "deepseek-reasoner"), TOKENS, _V3, ("2025-09-05", None)),
)
