"""Reads the lists of tiers and stairs: bounds that rise, and an open end."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from tollspan_rater.pricing.document import Many, Node
from tollspan_rater.pricing.model import Stair, Tier, per_single_unit, shortest
from tollspan_rater.pricing.reading import Reading

ZERO: Final = Decimal(0)


class _Bounded(Protocol):
    @property
    def up_to(self) -> Decimal | None: ...


_Step = TypeVar("_Step", bound=_Bounded)


def read_tiers(node: Node, meter: str, per: str, reading: Reading) -> tuple[Tier, ...]:
    """Read ``[{up_to, price, flat}, ...]``; empty when nothing can be made of it."""
    return _read_steps(node, meter, "price", reading, lambda item: _read_tier(item, meter, per, reading))


def read_stairs(node: Node, meter: str, reading: Reading) -> tuple[Stair, ...]:
    """Read ``[{up_to, amount}, ...]``; empty when nothing can be made of it."""
    return _read_steps(node, meter, "amount", reading, lambda item: _read_stair(item, meter, reading))


def _read_steps(
    node: Node, meter: str, holds: str, reading: Reading, read: Callable[[Node], _Step | None]
) -> tuple[_Step, ...]:
    if not isinstance(node, Many) or not node.items:
        reading.wrong(node, f"the tiers of {meter} are no list", f"Write `- {{up_to: 1_000_000, {holds}: 0.01}}` lines")
        return ()
    steps: list[_Step] = []
    for item in node.items:
        step = read(item)
        if step is None:
            return ()
        if steps and steps[-1].up_to is None:
            reading.wrong(item, f"a tier of {meter} follows the open one", "Give every tier but the last an up_to")
        elif steps and step.up_to is not None and step.up_to <= (steps[-1].up_to or 0):
            problem = f"tiers of {meter} overlap: up to {step.up_to} after up to {steps[-1].up_to}"
            reading.wrong(item, problem, "Sort the tiers by rising up_to")
        steps.append(step)
    if steps[-1].up_to is not None:
        problem = f"the tiers of {meter} have a gap above {steps[-1].up_to}: no tier is open"
        reading.wrong(node.items[-1], problem, "Add a last tier without up_to")
    return tuple(steps)


def _read_tier(node: Node, meter: str, per: str, reading: Reading) -> Tier | None:
    numbers = _numbers(node, meter, ("up_to", "price", "flat"), reading)
    if numbers is None:
        return None
    return Tier(numbers.get("up_to"), per_single_unit(numbers["price"], per), numbers.get("flat", ZERO))


def _read_stair(node: Node, meter: str, reading: Reading) -> Stair | None:
    numbers = _numbers(node, meter, ("up_to", "amount"), reading)
    return None if numbers is None else Stair(numbers.get("up_to"), numbers["amount"])


def _numbers(node: Node, meter: str, keys: tuple[str, ...], reading: Reading) -> dict[str, Decimal] | None:
    """Read the numbers of one tier; the second of ``keys`` is the one that no tier goes without."""
    table = reading.table(node, f"a tier of {meter}")
    if table is None:
        return None
    reading.only(table, keys, "a tier")
    needed = keys[1]
    if needed not in table.entries:
        reading.wrong(table, f"a tier of {meter} has no {needed}", f"Add `{needed}: ...`; 0 is a price, too")
        return None
    found = {key: reading.number(value, f"{key} of a tier") for key, value in table.entries.items() if key in keys}
    numbers = {key: shortest(number) for key, number in found.items() if number is not None}
    if len(numbers) < len(found):
        return None
    if numbers.get("up_to") == 0:
        reading.wrong(table, f"a tier of {meter} ends at 0 and holds nothing", "Delete it, or raise up_to")
    return numbers
