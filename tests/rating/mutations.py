"""Faults that the comparison of random bills must notice: each is one small change of the engine."""

from __future__ import annotations

from typing import Final

from tests.rating.mutation import Mutation

MUTATIONS: Final = (
    Mutation(
        "a tier's bound belongs to the next tier",
        "rating/amount.py",
        "        tier = tiers[bisect_left(bounds, quantity)]\n",
        "        tier = tiers[bisect_left(bounds, _add(quantity, quantity.scaleb(-20)))]\n",
    ),
    Mutation(
        "a graduated tier is one unit too long",
        "rating/amount.py",
        "_add(tier.flat, _times(_subtract(upper, lower), tier.unit_price))",
        "_add(tier.flat, _times(_subtract(_add(upper, ONE), lower), tier.unit_price))",
    ),
    Mutation(
        "the flat fee of the last reached tier is forgotten",
        "rating/amount.py",
        "        return _add(_add(below[at], tier.flat), inside)\n",
        "        return _add(below[at], inside)\n",
    ),
    Mutation(
        "begun packages are not charged",
        "rating/amount.py",
        'if rest and price.round == "up" else whole',
        'if rest and price.round == "down" else whole',
    ),
    Mutation(
        "a package's free units are charged",
        "rating/amount.py",
        "    beyond = _subtract(quantity, price.free)\n",
        "    beyond = quantity\n",
    ),
    Mutation(
        "a stair begins at its bound",
        "rating/amount.py",
        "if stair.up_to is None or quantity <= stair.up_to:",
        "if stair.up_to is None or quantity < stair.up_to:",
    ),
    Mutation(
        "a correction is clamped to nothing",
        "rating/amount.py",
        "return positive(quantity.copy_negate()).copy_negate() if quantity else ZERO",
        "return ZERO",
    ),
    Mutation(
        "a price per 1K is taken for one per 1M",
        "pricing/model.py",
        '"1K": 3,',
        '"1K": 6,',
    ),
    Mutation(
        "half a unit is rounded down",
        "rating/unit.py",
        "return EXACT.multiply(rest, TWO) >= rule.divide",
        "return EXACT.multiply(rest, TWO) > rule.divide",
    ),
    Mutation(
        "units are converted before the allowance",
        "rating/standing.py",
        "        return charge_steps(self._component.item, self._component.price, billable)",
        "        return charge_steps(self._component.item, self._component.price, self.quantity)",
    ),
    Mutation(
        "the fee at zero is charged twice",
        "rating/charge.py",
        "    if fee and units:\n",
        "    if fee and not units:\n",
    ),
    Mutation(
        "the free event after the last one is free, too",
        "rating/event_fee.py",
        "return number <= price.free_events if",
        "return number <= price.free_events + 1 if",
    ),
    Mutation(
        "the fixed fee stands outside the minimum",
        "rating/event_fee.py",
        "if least is not None and fee < least:",
        "if least is not None and EXACT.subtract(fee, self._price.fixed) < least:",
    ),
    Mutation(
        "a markup is added twice",
        "rating/cost_plus.py",
        "return EXACT.add(EXACT.multiply(cost, price.factor), EXACT.multiply(billable, price.margin))",
        "return EXACT.add(EXACT.multiply(EXACT.multiply(cost, price.factor), price.factor), ZERO)",
    ),
    Mutation(
        "an allowance serves the last price first",
        "rating/pool.py",
        "    for index in pool.components:\n",
        "    for index in reversed(pool.components):\n",
    ),
    Mutation(
        "the latest event is the first",
        "rating/aggregate.py",
        "if self._at is None or at >= self._at:",
        "if self._at is None or at <= self._at:",
    ),
    Mutation(
        "the least of a maximum",
        "rating/aggregate.py",
        "else max(self._greatest, quantity)",
        "else min(self._greatest, quantity)",
    ),
    Mutation(
        "values are counted as often as they occur",
        "rating/aggregate.py",
        "change = Decimal((after > 0) - (before > 0))",
        "change = ONE",
    ),
    Mutation(
        "a part is left in what contains it",
        "rating/quantity.py",
        "            own[parent] = subtract(own[parent], quantity)\n",
        "            own[parent] = subtract(own[parent], ZERO)\n",
    ),
    Mutation(
        "the least specific pattern wins",
        "pricing/card.py",
        "key=lambda item: item.rank, reverse=True)",
        "key=lambda item: item.rank)",
    ),
    Mutation(
        "priority does not count",
        "pricing/item.py",
        "return (self.priority, model,",
        "return (0, model,",
    ),
    Mutation(
        "half a cent goes to the even neighbour",
        "pricing/rounding_rule.py",
        '"half_up": ROUND_HALF_UP,',
        '"half_up": ROUND_HALF_EVEN,',
    ),
    Mutation(
        "rounding down goes below zero's neighbour",
        "pricing/rounding_rule.py",
        '"down": ROUND_DOWN,',
        '"down": "ROUND_FLOOR",',
    ),
    Mutation(
        "percents are taken off one after the other",
        "rating/discount_line.py",
        "off = EXACT.multiply(one.line.amount_exact, share)",
        "off = EXACT.multiply(one.left, share)",
    ),
    Mutation(
        "amounts are taken off before percents",
        "rating/modifier.py",
        """    percents, priced = percent_lines(held, owner, cards_of_lines(cards, own))
    amounts, priced = amount_lines(held, owner, priced)
""",
        """    amounts, priced = amount_lines(held, owner, cards_of_lines(cards, own))
    percents, priced = percent_lines(held, owner, priced)
""",
    ),
    Mutation(
        "an amount is taken off that is not there",
        "rating/discount_line.py",
        "off = max(min(agreed or ZERO, exact_sum(kept[place].left for place in covered)), ZERO)",
        "off = agreed or ZERO",
    ),
    Mutation(
        "the commitment looks at usage before discounts",
        "rating/discount_line.py",
        "return exact_sum(one.left for one in priced if",
        "return exact_sum(one.line.amount_exact for one in priced if",
    ),
    Mutation(
        "overage is charged on top in full",
        "rating/commitment_line.py",
        "more = EXACT.subtract(stated.overage_factor, ONE)",
        "more = stated.overage_factor",
    ),
    Mutation(
        "less use is trued up though the plan says no",
        "rating/commitment_line.py",
        "if beyond < 0 and stated.true_up:",
        "if beyond < 0:",
    ),
    Mutation(
        "the maximum comes before the commitment",
        "rating/modifier.py",
        """    all_lines = [*own, *percents, *amounts, *commitment_lines(held, owner, usage_left(priced))]
    all_lines.extend(bounded(held, owner, all_lines))
""",
        """    all_lines = [*own, *percents, *amounts]
    all_lines.extend(bounded(held, owner, all_lines))
    all_lines.extend(commitment_lines(held, owner, usage_left(priced)))
""",
    ),
    Mutation(
        "the minimum is a maximum",
        "rating/bound_line.py",
        "return gap if (gap > ZERO) is least else ZERO",
        "return gap if gap < ZERO else ZERO",
    ),
    Mutation(
        "time is prorated by whole days",
        "pricing/proration.py",
        "Fraction(value) * part_ns for",
        "Fraction(value) * (part_ns // 86_400_000_000_000) * 86_400_000_000_000 for",
    ),
    Mutation(
        "parts of amounts are cut off",
        "pricing/proration.py",
        "floor(units + Fraction(1, 2))",
        "floor(units)",
    ),
    Mutation(
        "two of an add-on bring the units of one",
        "pricing/grant.py",
        "EXACT.multiply(one.quantity, held.quantity)",
        "one.quantity",
    ),
    Mutation(
        "a discount holds a period too long",
        "pricing/subscription.py",
        "for _ in range(discount.periods):",
        "for _ in range(discount.periods + 1):",
    ),
    Mutation(
        "a trial ends a day late",
        "pricing/subscription.py",
        "timedelta(days=plan.trial.days)",
        "timedelta(days=plan.trial.days + 1)",
    ),
    Mutation(
        "the newest units that rolled over are used first",
        "credit/rollover.py",
        "for lot in (*lots, Lot(own, rule.periods + 1)):",
        "for lot in (Lot(own, rule.periods + 1), *lots):",
    ),
    Mutation(
        "units roll over a period too long",
        "credit/rollover.py",
        "if taken < lot.units and lot.periods > 1:",
        "if taken < lot.units and lot.periods > 0:",
    ),
)
