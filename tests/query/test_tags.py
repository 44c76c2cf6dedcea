"""Tags as dimensions of usage."""

from __future__ import annotations

import pytest

from query.shop import Shop, card, plan
from tollspan.attribution import Attribution
from tollspan_rater.errors import UsageError
from tollspan_rater.query.questions import question

TIERS = {"graduated": [{"up_to": "10", "price": "1"}, {"price": "0.5"}]}


@pytest.mark.parametrize(("price", "charges"), [("1", {"red": 30, "blue": 5, None: 7}),
                                                (TIERS, {"red": 15, "blue": 5, None: 6})])  # fmt: skip
def test_usage_by_a_tag(shop: Shop, price: object, charges: dict[str | None, int]) -> None:
    shop.price({"card.yaml": card([{"input": price}]), "plan.yaml": plan("pro")})
    shop.customer("a", plan="pro")
    uses = [("blue", 5), (None, 7), ("red", 10), ("red", 20)]
    shop.send(
        *(
            shop.call(
                f"2026-11-03T10:00:0{second}Z",
                {"input": tokens},
                attribution=Attribution({"customer": "a"}, {} if team is None else {"team": team, "cost": "x'y"}),
            )
            for second, (team, tokens) in enumerate(uses)
        )
    )
    rows = shop.ask("usage", by="tags.team").rows
    assert {row["tags.team"]: row["charge"] for row in rows} == charges
    metered = shop.ask("usage", meter="input", by="tags.team,tags.cost").rows
    assert {(row["tags.team"], row["tags.cost"]): row["value"] for row in metered} == {
        ("red", "x'y"): 30, ("blue", "x'y"): 5, (None, None): 7,
    }  # fmt: skip
    assert {row["tags.team"] for row in shop.ask("margin", by="tags.team").rows} == {"red", "blue", None}


@pytest.mark.parametrize("name", ["tags", "tags.", "tag.team"])
def test_a_tag_has_a_name(name: str) -> None:
    with pytest.raises(UsageError):
        question("usage").read({"by": [name]})
