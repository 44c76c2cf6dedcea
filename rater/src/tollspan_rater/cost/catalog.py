"""The genai-prices catalog, compiled into dated rate rows for one model at a time.

Its own code resolves dates, times of day and request contexts; here its answers are cut at every instant at
which they can change. What a row cannot say becomes a row without a rate and with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, Inexact, localcontext
from itertools import pairwise, product
from typing import TYPE_CHECKING, Final

from tollspan_rater.cost.names import model_name, provider_name
from tollspan_rater.cost.rates import DAY_SECONDS, STANDARD, RateRow, Unknown
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.money import EXACT

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

METERS: Final[dict[str, tuple[str, int]]] = {  # price key -> meter, units that the price is for
    "input_mtok": ("input", 10**6),
    "output_mtok": ("output", 10**6),
    "cache_read_mtok": ("cache_read", 10**6),
    "cache_write_mtok": ("cache_write", 10**6),
    "cache_write_5m_mtok": ("cache_write_5m", 10**6),
    "cache_write_1h_mtok": ("cache_write_1h", 10**6),
    "input_audio_mtok": ("audio_in", 10**6),
    "input_image_mtok": ("image_in", 10**6),
    "output_audio_mtok": ("audio_out", 10**6),
    "output_reasoning_mtok": ("reasoning", 10**6),
    "audio_hours": ("audio_second", 3600),
    "web_searches_kcount": ("web_search", 1000),
    "requests_kcount": ("request", 1000),
    "storage_searches_kcount": ("file_search", 1000),
    "social_searches_kcount": ("social_search", 1000),
    "rerank_searches_kcount": ("rerank_search", 1000),
    "code_executions_kcount": ("code_execution", 1000),
    "input_document_kpages": ("document_page", 1000),
    "input_annotated_document_kpages": ("annotated_document_page", 1000),
    "input_mchars": ("character", 10**6),
    "input_text_messages_kcount": ("text_message", 1000),
}
UNSPLIT: Final[dict[str, str]] = {  # price key -> the meter that hides the priced part
    "input_text_mtok": "input",
    "input_tool_mtok": "input",
    "input_video_mtok": "input",
    "output_text_mtok": "output",
    "output_image_mtok": "output",
    "output_video_mtok": "output",
    "output_citation_mtok": "output",
}
OVERLAPS: Final[dict[str, tuple[str, str]]] = {  # price key -> the meters that share the priced part
    "cache_audio_read_mtok": ("cache_read", "audio_in"),
    "cache_image_read_mtok": ("cache_read", "image_in"),
}
SAME: Final = frozenset({"input_audio_hours"})  # stands beside audio_hours and says the same
CONTEXTS: Final[dict[tuple[str, str], str]] = {  # request context -> our tier
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
MINIMUM: Final = frozenset({"groq/whisper-large-v3", "groq/whisper-large-v3-turbo"})  # 10 s a request
FREE: Final = ":free"  # OpenRouter's variants of this name cost nothing; an empty list elsewhere may mean anything
FINEST: Final = Decimal("1e-18")  # an hour's price that has no finite price per second is cut here


@dataclass(frozen=True, slots=True)
class Listed:
    """What the catalog says of one model, under the ids that it has there.

    ``provider`` serves the model; ``owner`` lists its price (Azure serves models that OpenAI lists). ``overlaps``
    are pairs of meters whose common part has a price of its own.
    """

    provider: str
    owner: str
    model: str
    rows: tuple[RateRow, ...]
    overlaps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A snapshot of the catalog and the version by which a price book names it."""

    snapshot: DataSnapshot
    version: str


def bundled() -> Source:
    """Return the snapshot that is installed with genai-prices; it never fetches anything."""
    from genai_prices import __version__, data_snapshot  # noqa: PLC0415 - half a second that not every command needs

    return Source(data_snapshot.get_snapshot(), f"genai-prices {__version__}")


class Catalog:
    """Compiled rows by provider and model. Nothing is loaded before the first question."""

    def __init__(self, load: Callable[[], Source] = bundled) -> None:
        self._load = load
        self._source: Source | None = None
        self._listed: dict[tuple[str, str], Listed | Unknown] = {}

    @property
    def source(self) -> Source:
        """The snapshot, loaded on first use."""
        if self._source is None:
            self._source = self._load()
        return self._source

    def listed(self, provider: str, model: str) -> Listed | Unknown:
        """Return what is listed for a catalog provider id and a model id, or why nothing is."""
        key = (provider, model)
        if key not in self._listed:
            self._listed[key] = self._compile(provider, model)
        return self._listed[key]

    def _compile(self, provider: str, model: str) -> Listed | Unknown:
        providers = {known.id: known for known in self.source.snapshot.providers}
        if provider == "litellm" and "/" in model:
            prefix, _, rest = model.partition("/")
            provider = provider_name(prefix)
            model = model_name(provider, rest)
        known = providers.get(provider)
        if known is None:
            return Unknown("unknown_provider", f"there is no price list for provider {provider or 'unset'!r}")
        if provider == "openrouter" and model.endswith(FREE):
            return Listed(provider, provider, model, _free(provider), ())
        info = known.find_model(model, all_providers=list(providers.values()))
        if info is None:
            return Unknown("unknown_model", f"{self.source.version} lists no {model or 'unset'!r} at {provider}")
        owner = next(one.id for one in providers.values() if any(info is listed for listed in one.models))
        return compile_model(known, owner, info, self.source.version)


def compile_model(provider: Provider, owner: str, model: ModelInfo, version: str) -> Listed:
    """Compile one model's prices into rows that hold for it at this provider.

    Request contexts of a model that another provider owns are left out, because the catalog does not know
    whether the owner's tiers hold here.
    """
    blank = RateRow(provider.id, "*", "", None, f"{version} {owner}/{model.id}")
    rows: list[RateRow] = []
    overlaps: set[tuple[str, str]] = set()
    for (start, end), window in product(_periods(model), _windows(model)):
        at = datetime.combine(start or date(1970, 1, 1), time(), UTC) + timedelta(seconds=window[0] if window else 0)
        held = replace(blank, valid_from=_midnight(start), valid_to=_midnight(end), window=window)
        for tier, context in _tiers(model, at) if owner == provider.id else [(STANDARD, None)]:
            prices = model.get_prices(at, context)
            overlaps |= {OVERLAPS[key] for key in _stated(prices) if key in OVERLAPS}
            rows += [
                replace(held, meter=meter, tier=tier, threshold=threshold, rate=rate, reason=reason)
                for meter, threshold, rate, reason in _rates(prices, f"{owner}/{model.id}")
            ]
    return Listed(provider.id, owner, model.id.lower(), tuple(rows), tuple(sorted(overlaps)))


def _free(provider: str) -> tuple[RateRow, ...]:
    """Return rows that say zero, because the provider does."""
    source = f"{provider}: a model id that ends in {FREE} is free of charge"
    return tuple(RateRow(provider, "*", meter, Decimal(0), source) for meter in ("input", "output", "request"))


def _periods(model: ModelInfo) -> Iterator[tuple[date | None, date | None]]:
    """Yield the periods between the dates at which a price or a context's price changes."""
    starts: Iterator[date | None] = (getattr(constraint, "start_date", None) for constraint in _constraints(model))
    yield from pairwise([None, *sorted({day for day in starts if day is not None}), None])


def _windows(model: ModelInfo) -> list[tuple[int, int] | None]:
    """Return the parts of the UTC day between which prices change; one None when they do not."""
    edges: set[int] = set()
    for constraint in _constraints(model):
        for name in ("start_time", "end_time"):
            at: time | None = getattr(constraint, name, None)
            if at is not None:
                shift = at.utcoffset() or timedelta()
                seconds = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second) - shift
                edges.add(int(seconds.total_seconds()) % DAY_SECONDS)
    return list(pairwise(sorted(edges | {0, DAY_SECONDS}))) if edges else [None]


def _constraints(model: ModelInfo) -> Iterator[object]:
    if isinstance(model.prices, list):
        yield from (price.constraint for price in model.prices)
    yield from (variant.constraint for variant in model.price_variants or ())


def _tiers(model: ModelInfo, at: datetime) -> list[tuple[str, Mapping[str, str] | None]]:
    """Return the tiers that have a price of their own at an instant, standard first."""
    tiers: dict[str, Mapping[str, str] | None] = {STANDARD: None}
    for variant in model.price_variants or ():
        active = variant.constraint is None or variant.constraint.active(at)
        condition = tuple(variant.when.items())
        if active and len(condition) == 1 and condition[0] in CONTEXTS:
            tiers.setdefault(CONTEXTS[condition[0]], variant.when)
    return list(tiers.items())


def _stated(prices: ModelPrice) -> dict[str, object]:
    return {key: value for key, value in vars(prices).items() if value is not None}


def _rates(prices: ModelPrice, model: str) -> Iterator[tuple[str, int, Decimal | None, Unknown | None]]:
    """Yield (meter, threshold, rate of one unit, reason of an unknown one) of one set of prices."""
    stated = _stated(prices)
    hidden = {
        UNSPLIT[key]: Unknown("unsplit_usage", f"{model} prices {key} apart; the usage does not split it off")
        for key, value in stated.items()
        if key in UNSPLIT and value != stated.get(f"{UNSPLIT[key]}_mtok")
    }
    yield from ((meter, 0, None, reason) for meter, reason in hidden.items())
    for key, value in stated.items():
        if key in UNSPLIT or key in OVERLAPS or key in SAME:
            continue
        meter, per = METERS.get(key, (key, 1))
        if meter in hidden:
            continue
        if key not in METERS:
            yield meter, 0, None, Unknown("unpriced_meter", f"{key} of {model} is in no meter's unit")
        elif meter == "audio_second" and model in MINIMUM:
            yield meter, 0, None, Unknown("unpriced_meter", f"{model} bills at least 10 s a request")
        else:
            yield from ((meter, start, _per_unit(price, per), None) for start, price in _steps(value))


def _steps(value: object) -> list[tuple[int, Decimal]]:
    if isinstance(value, Decimal):
        return [(0, value)]
    return [(0, getattr(value, "base")), *((tier.start, tier.price) for tier in getattr(value, "tiers"))]  # noqa: B009


def _per_unit(price: Decimal, per: int) -> Decimal:
    """Return the price of one unit: exact, or cut at 18 decimals where it has no end."""
    try:
        return EXACT.divide(price, Decimal(per))
    except Inexact:
        with localcontext() as context:
            context.prec = 60
            return (price / per).quantize(FINEST)


def _midnight(day: date | None) -> int | None:
    return None if day is None else to_ns(datetime.combine(day, time(), UTC))
