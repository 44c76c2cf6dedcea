"""The receiver's words for a draft: the name of its charge, and the day as a user's locale writes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import ConfigError
from tollspan_rater.export.files.told import Told

DATE_FORMATS: Final[Mapping[str, str]] = {
    "MM/DD/YYYY": "%m/%d/%Y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "DD.MM.YYYY": "%d.%m.%Y",
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYY/MM/DD": "%Y/%m/%d",
}
_USUAL: Final = "MM/DD/YYYY"


def check_dates(options: Mapping[str, str]) -> None:
    """Check the option ``date_format``: how the receiver's user who imports has dates written.

    Raises:
        ConfigError: the format is none that is known.
    """
    wanted = options.get("date_format", _USUAL)
    if wanted not in DATE_FORMATS:
        raise ConfigError("options.date_format", wanted, "an export", f"choose one of {', '.join(DATE_FORMATS)}")


def day(told: Told) -> str:
    """Return the day on which a draft says it happened, in the zone of its service."""
    return written_day(told, told.stamp_ns)


def written_day(told: Told, at_ns: int) -> str:
    """Return the day of an instant in the zone of a draft's service, as the receiver's user has dates written."""
    at = from_ns(at_ns).astimezone(ZoneInfo(told.draft.service.zone))
    return at.strftime(DATE_FORMATS[told.options.get("date_format", _USUAL)])


def own(told: Told, name: str) -> str | None:
    """Return the receiver's word for a draft's meter: the customer's own, ``NAME.METER``, else the meter's ``NAME``.

    A charge belongs to one subscription: where customers have subscriptions of their own, each names its charges.
    """
    return told.customer.get(f"{name}.{told.draft.meter}") or told.meter.get(name)


def short(text: str, longest: int) -> str | None:
    """Return a text for people cut to so many characters, one of them kept for a quote before a formula."""
    return text[: longest - 1] or None
