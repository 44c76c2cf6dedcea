"""Is a figure there at all: as a number, or as the sum of up to three numbers?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_TERMS = 3


def findable(figure: int, numbers: Iterable[int]) -> bool:
    """Tell whether the figure, or up to three different numbers whose sum it is, are among the numbers."""
    usable = sorted(number for number in set(numbers) if 0 < number <= figure)
    return any(_sums_to(figure, usable, terms) for terms in range(1, MOST_TERMS + 1))


def findable_by_repeating(figure: int, numbers: Iterable[int]) -> bool:
    """The same where a number may be taken more than once."""
    usable = {number for number in numbers if 0 < number <= figure}
    pairs = {one + other for one in usable for other in usable}
    return figure in usable or figure in pairs or any(figure - number in pairs for number in usable)


def _sums_to(figure: int, numbers: Sequence[int], terms: int) -> bool:
    if terms == 1:
        return figure in numbers
    return any(
        _sums_to(figure - number, numbers[at + 1 :], terms - 1) for at, number in enumerate(numbers) if number < figure
    )
