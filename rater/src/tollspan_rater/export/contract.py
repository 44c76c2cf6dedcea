"""What a target's published contract allows, as a row of figures. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tollspan_rater.export.draft import Source

FOREVER = None  # a window without an end


@dataclass(frozen=True, slots=True)
class Needs:
    """The names in a target's words that the mapping must give for each customer and each meter or line."""

    customer: tuple[str, ...] = ()
    meter: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """How a target wants to be told. Times in seconds; ``source`` names the vendor's page or specification.

    ``takes``: amounts, or usage. ``batch``: elements of one request; ``all_or_nothing`` when one bad element refuses
    them all; ``together``: names of an element whose values are the same throughout a request. ``per_second``:
    requests. ``dedup_s``: for how long after the first sending the same id counts once
    (``FOREVER``, or 0 for never); ``settle_s``: how long after a sending without an answer a look is believed.
    ``looks``: whether the target can be asked for an item.

    ``past_s``, ``future_s``: how old or new a stamp may be. ``bucket``: the span of time over which usage is added up
    before it is told, ``once`` when a target takes only one value a bucket for good. ``late``: what is known too late
    for its own time is stamped with its ``own`` all the same, or in the ``next`` open bucket. ``negative``: a
    difference below zero is ``sent``, or ``carried`` until later usage of the same customer and meter outweighs it.
    ``digits``: behind the point; what is finer is carried, too. ``bills``: whether the target bills what it gets, so
    that it must not get it in two ways; a file or a receiver of your own may have both.

    ``compares``: what a reconciliation compares with: all ``entries`` that the target lists, those of our own ``ids``
    alone, ``sums``, or ``nothing`` where it cannot be asked, so that what it accepted counts.
    """

    name: str
    takes: Source
    source: str
    batch: int = 1
    all_or_nothing: bool = False
    together: tuple[str, ...] = ()
    per_second: float | None = None
    dedup_s: int | None = FOREVER
    settle_s: int = 0
    looks: bool = True
    past_s: int | None = FOREVER
    future_s: int | None = FOREVER
    bucket: Literal["hour", "day", "period"] = "day"
    once: bool = False
    late: Literal["own", "next"] = "own"
    negative: Literal["sent", "carried"] = "sent"
    digits: int = 12
    bills: bool = True
    compares: Literal["entries", "ids", "sums", "nothing"] = "nothing"
    needs: Needs = Needs()
