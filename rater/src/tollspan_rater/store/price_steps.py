"""The totals of input tokens at which providers' prices step, as far as kept sums tell calls apart by them."""

from __future__ import annotations

from typing import Final

# All of the price list that is installed, and the round ones between and above them.
PRICE_STEPS: Final = frozenset(
    {32_000, 64_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288, 1_000_000}
)
