"""A real rater with two tenants whose customers have the same names, and the API before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from tests.query.shop import Shop, card, folder_rater, plan

from tollspan_rater.api.app import create_app
from tollspan_rater.api.keys import new_key
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.folder import Folder

TENANTS = ("north", "south")
CUSTOMERS = ("acme", "globex")
DAYS = ("2026-11-01", "2026-11-02", "2026-11-30", "2026-12-01", "2026-12-14")
LOCAL = "local-token-of-the-tests"


@dataclass(frozen=True)
class Market:
    """The API, and the headers of each key by tenant and name: a scope, or the customer that a key is for."""

    http: TestClient
    rater: Rater
    keys: dict[tuple[str, str], dict[str, str]]

    def get(self, key: tuple[str, str], path: str, **params: Any) -> Any:
        return self.http.get(f"/v1/{path}", params=params, headers=self.keys[key])


@contextmanager
def market(path: Path) -> Iterator[Market]:
    """Open a folder, fill it, and put the API before it."""
    resolved, clock = folder_rater(path)
    folder = Folder(resolved.config.data)
    folder.create()
    with folder.lock("test"):
        rater = Rater(folder, resolved, clock)
        rater.start()
        try:
            keys = {(tenant, name): _key(rater, tenant, name) for tenant in TENANTS for name in _NAMES}
            for tenant in TENANTS:
                _fill(Shop(rater, tenant))
            with TestClient(create_app(rater, LOCAL), raise_server_exceptions=False) as http:
                yield Market(http, rater, keys)
        finally:
            rater.close()


_NAMES = ("usage", "query", "export", "pricing", "ingest", "admin", *CUSTOMERS)


def _key(rater: Rater, tenant: str, name: str) -> dict[str, str]:
    customer = name if name in CUSTOMERS else None
    seed = f"{tenant} {name}".encode().ljust(32, b".")
    made = new_key(
        lambda size: seed[:size] if size == 32 else seed[:1] + seed[5 : 5 + size - 1],
        scopes=["customer-query" if customer else name],
        customer=customer,
    )
    rater.execute("key.create", made.body, tenant=tenant, actor="test")
    return {"Authorization": f"Bearer {made.token}"}


def _fill(shop: Shop) -> None:
    """Give both customers calls on some days, of features, models and people that name tenant and customer."""
    prices = card([{"input": "4", "output": "16"}], per="1M")
    shop.price({"card.yaml": prices, "plan.yaml": plan("pro", included={"tokens": "1000"}, base_fee="9")})
    for number, customer in enumerate(CUSTOMERS, 1):
        shop.execute("customer.set", {"customer": customer, "plan": "pro", "name": f"{customer} in {shop.tenant}"})
        said = f"{customer}-{shop.tenant}"
        shop.send(
            *(
                shop.call(
                    f"{day}T23:30:00Z",
                    {"input": 1_000 * number + count, "output": 100 * number},
                    customer=customer,
                    feature=f"feature-{said}",
                    user=f"user-{said}",
                    request_model=("gpt-4.1", "gpt-4.1-mini")[count % 2],
                )
                for count, day in enumerate(DAYS)
            )
        )
