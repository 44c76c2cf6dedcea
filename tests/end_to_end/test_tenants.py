"""Two tenants with the same customers and ids never see each other; a customer's key sees that customer only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.end_to_end.process import RaterProcess, serving
from tests.end_to_end.sender import SECOND, call_span, new_trace, request, send

from tollspan_rater.api.access import CUSTOMER_QUESTIONS
from tollspan_rater.query.questions import QUESTIONS

TRACE = new_trace()
CUSTOMERS = ("acme", "globex")
FIRST_INPUT = {"north": 1_000, "south": 2_000}


@dataclass(frozen=True)
class Tenant:
    """A tenant: every name that it gives ends in its own, and its keys are for ``rater``."""

    rater: RaterProcess
    name: str
    ingest: str
    all_questions: str
    of_acme: str

    def set_up(self) -> None:
        card = f"card: card-{self.name}\ncurrency: EUR\nper: 1M\nprices:\n  - {{input: 100, output: 300}}\n"
        plan = f"plan: plan-{self.name}\ncurrency: EUR\ncards: [card-{self.name}]\nbase_fee: 5.00\n"
        plan += "included: {input: 1}\n"
        files = {"cards/c.yaml": card, "plans/p.yaml": plan}
        self.rater.execute("pricing.apply", {"files": files}, tenant=self.name)
        for customer in CUSTOMERS:
            body = {"customer": customer, "plan": f"plan-{self.name}", "name": f"{customer} of {self.name}"}
            self.rater.execute("customer.set", body, tenant=self.name)

        entry = {"id": "in_1", "customer": "acme", "day": "2026-11-30", "amount": "5", "currency": "EUR"}
        self.rater.execute("revenue.import", {"entries": [{**entry, "note": f"of {self.name}"}]}, tenant=self.name)
        since = {"customer": "initech", "plan": f"plan-{self.name}", "from": "2026-09-01"}
        self.rater.execute("customer.set", since, tenant=self.name)
        self.rater.execute("period.close", {"period": "2026-09", "customer": "initech"}, tenant=self.name)
        for command in ("export.plan", "export.run"):
            self.rater.execute(command, {"export": f"of-{self.name}"}, tenant=self.name)

    def send(self, start_ns: int) -> None:
        """Send two good spans and one of the future; both tenants' have the same trace, span and response ids."""
        spans = [
            call_span(
                TRACE,
                number,
                start_ns if number < 3 else time.time_ns() + 700 * SECOND,
                gen_ai__usage__input_tokens=FIRST_INPUT[self.name] + number,
                tollspan__customer=CUSTOMERS[number % 2],
                tollspan__user=f"user of {self.name}",
                tollspan__feature=f"feature-{self.name}",
                tollspan__process__id=f"process-{self.name}",
                tollspan__seq=number,
            )
            for number in (1, 2, 3)
        ]
        made = request(spans)
        made.resource_spans[0].scope_spans[0].scope.name = "tollspan"
        assert send(self.rater, "grpc", made.SerializeToString(), token=self.ingest).status == "OK"

    def get(self, question: str, params: Mapping[str, str], token: str | None = None) -> tuple[int, str]:
        answer = self.rater.get(f"/v1/{question}", token or self.all_questions, params)
        return answer.status_code, answer.text

    def rows(self, question: str, **params: str) -> list[dict[str, Any]]:
        status, text = self.get(question, params)
        assert status == 200, text
        return list(json.loads(text)["rows"])


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tenant, Tenant]]:
    folder = tmp_path_factory.mktemp("tenants")
    exports = {
        f"of-{name}": {"target": "jsonl", "tenant": name, "options": {"folder": str(folder / name)}}
        for name in FIRST_INPUT
    }
    with serving(RaterProcess(folder / "data", TOLLSPAN_EXPORTS=json.dumps(exports))) as rater:
        made = [
            Tenant(
                rater,
                name,
                rater.new_key("ingest", tenant=name),
                rater.new_key("query", "export", "admin", tenant=name),
                rater.new_key("customer-query", tenant=name, customer="acme"),
            )
            for name in FIRST_INPUT
        ]
        start_ns = time.time_ns() - 60 * SECOND
        for tenant in made:
            tenant.set_up()
            tenant.send(start_ns)
        yield made[0], made[1]
        for tenant in made:
            rater.assert_audit_holds(tenant.name)


OTHER_PRICES = '{{"c.yaml": "card: c\\ncurrency: EUR\\nprices:\\n  - input: 1\\n"}}'
# For every question: parameters, and whether the answer must hold the tenant's name. {own} stands for it.
ASKED: dict[str, list[tuple[dict[str, str], bool]]] = {
    "usage": [
        ({}, False),
        ({"by": "customer,model,feature,user,plan"}, True),
        ({"feature": "feature-{other}"}, False),
        ({"meter": "input", "by": "feature"}, True),
        ({"meter": "input", "aggregate": "unique", "of": "user"}, False),
        ({"against_plan": "true"}, True),
        ({"as_of": "1"}, False),
    ],
    "calls": [({}, True), ({"customer": "acme"}, True), ({"user": "user of {other}"}, False)],
    "invoice": [({"all": "true"}, True), ({"customer": "acme"}, True)],
    "allowance": [({"all": "true"}, True), ({"customer": "acme"}, True)],
    "statements.list": [({}, False)],
    "statements.show": [({"customer": "initech", "period": "2026-09"}, True)],
    "ledger": [({}, False), ({"balances": "true"}, False)],
    "corrections.list": [({}, False)],
    "allocation": [({"by": "feature"}, True)],
    "leakage": [({}, False), ({"by": "customer,feature"}, False)],
    "latency": [({"by": "customer,feature,user,plan"}, True), ({"feature": "feature-{other}"}, False)],
    "margin": [({"by": "feature"}, True)],
    "explain": [({"id": TRACE.hex()}, True), ({"id": f"{1:016x}"}, True)],
    "lines": [({}, True)],
    "export.status": [({}, True)],
    "export.items": [({"export": "of-{own}"}, True)],
    "export.check": [({"export": "of-{own}"}, True)],
    "export.reconcile": [({"export": "of-{own}", "from": "2026-08-01"}, True)],
    "audit": [({}, False), ({"full": "true"}, False), ({"sender": "process-{own}"}, True), ({"senders": "true"}, True)],
    "inexact": [({}, False)],
    "duplicates": [({}, False)],
    "contradictions": [({}, False), ({"customer": "acme"}, False)],
    "pricing.show": [({}, False)],
    "pricing.diff": [({"files": OTHER_PRICES}, True)],
    "pricing.simulate": [({"plan": "plan-{own}"}, True)],
    "revenue.list": [({}, True)],
    "meters.show": [({}, False)],
    "quarantine.list": [({}, False)],
    "quarantine.show": [({"id": "{piece}"}, False)],
    "customers.list": [({}, True)],
    "keys.list": [({}, False)],
    "config.show": [({}, False)],
}


def test_every_question_is_asked() -> None:
    assert ASKED.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("own", [0, 1])
def test_a_tenant_sees_its_own(tenants: tuple[Tenant, Tenant], question: str, own: int) -> None:
    mine, other = tenants[own], tenants[1 - own]
    piece = mine.rows("quarantine.list")[0]["id"]
    for params, named in ASKED[question]:
        given = {name: text.format(own=mine.name, other=other.name, piece=piece) for name, text in params.items()}
        status, text = mine.get(question, given)
        assert status == 200, text
        assert other.name not in text
        assert mine.name in text or not named


def test_numbers_are_the_tenants_own(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:
        first = FIRST_INPUT[tenant.name]
        assert {row["customer"]: row["input_tokens"] for row in tenant.rows("usage")} == {
            "globex": first + 1,
            "acme": first + 2,
        }
        assert [row["fate"] for row in tenant.rows("calls") if "fate" in row] == []
        assert len(tenant.rows("quarantine.list")) == 1
        assert len(tenant.rows("keys.list")) == 3


def test_what_belongs_to_another_tenant_is_not_known(tenants: tuple[Tenant, Tenant]) -> None:
    mine, other = tenants
    strange = [
        ("explain", {"id": other.rows("calls")[0]["call_id"]}),
        ("explain", {"id": next(row["line_id"] for row in other.rows("lines"))}),
        ("quarantine.show", {"id": other.rows("quarantine.list")[0]["id"]}),
        ("pricing.show", {"version": other.rows("pricing.show")[0]["version"]}),
    ]
    for question, params in strange:
        assert other.get(question, params)[0] == 200
        status, text = mine.get(question, params)
        assert status == 404, (question, params, text)
    assert mine.rater.get("/v1/calls", mine.all_questions, {}, tenant=other.name).status_code == 403
    key_of_other = next(row["key_id"] for row in other.rows("keys.list"))
    with pytest.raises(Exception, match="no key"):
        mine.rater.execute("key.revoke", {"key_id": key_of_other}, tenant=mine.name)


SEEN_BY_A_CUSTOMER = [
    ("usage", {}),
    ("usage", {"by": "model,feature,user,reason,plan,day"}),
    ("usage", {"unattributed": "true"}),
    ("calls", {}),
    ("calls", {"unattributed": "true"}),
    ("calls", {"unpriced": "true"}),
    ("latency", {"by": "user,reason,plan,hour"}),
    ("invoice", {}),
    ("invoice", {"customer": "acme"}),
    ("allowance", {}),
    ("usage", {"against_plan": "true"}),
    ("usage", {"meter": "input", "by": "user,hour"}),
]
REFUSED_TO_A_CUSTOMER = [
    ("usage", {"customer": "globex"}),
    ("calls", {"customer": "globex"}),
    ("latency", {"customer": "globex"}),
    ("invoice", {"customer": "globex"}),
    ("invoice", {"all": "true"}),
    ("allowance", {"all": "true"}),
    ("usage", {"sort": "cost"}),
    ("usage", {"sort": "margin"}),
    *((question, ASKED[question][0][0]) for question in ASKED if question not in CUSTOMER_QUESTIONS),
]


@pytest.mark.parametrize(("question", "params"), SEEN_BY_A_CUSTOMER)
def test_a_customer_sees_its_own_without_cost(
    tenants: tuple[Tenant, Tenant], question: str, params: dict[str, str]
) -> None:
    tenant = tenants[0]
    costs = {row[name] for row in tenant.rows("calls") for name in ("cost", "reported_cost") if row[name]}
    assert costs
    status, text = tenant.get(question, params, tenant.of_acme)
    assert status == 200, text
    assert "globex" not in text
    assert not [cost for cost in costs if f'"{cost}"' in text]
    document = json.loads(text)
    assert not {"cost", "reported_cost", "margin"}.intersection(document["columns"])
    assert "unattributed" in params or "unpriced" in params or document["rows"]
    if question == "calls":
        assert {row["customer"] for row in document["rows"]} <= {"acme"}


@pytest.mark.parametrize(("question", "params"), REFUSED_TO_A_CUSTOMER)
def test_a_customer_is_refused_all_else(tenants: tuple[Tenant, Tenant], question: str, params: dict[str, str]) -> None:
    status, text = tenants[0].get(question, params, tenants[0].of_acme)
    assert status == 403, text
