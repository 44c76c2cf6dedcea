"""The HTTP API: who may do what, and what comes back."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from tests.api.conftest import LOCAL
from tests.fake_rater import FakeRater

from tollspan_rater import errors
from tollspan_rater.api.access import CUSTOMER_QUESTIONS, USAGE_QUESTIONS
from tollspan_rater.api.app import MAX_COMMAND_BYTES
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.commands import COMMANDS
from tollspan_rater.query.questions import QUESTIONS
from tollspan_rater.query.rater import SCOPES

NEEDED = {
    **{f"export.{name}": "?export=x" for name in ("items", "check", "reconcile")},
    "invoice": "?customer=acme", "allowance": "?customer=acme", "explain": "?id=1",
          "quarantine.show": "?id=1:1", "pricing.diff": "?files={}",
          "pricing.simulate": "?plan=p", "statements.show": "?customer=acme&period=2026-11"}  # fmt: skip
BODIES = {
    "reextract": {"since": "2026-11-01"},
    "call.void": {"calls": ["c_1"], "note": "x"},
    "call.amend": {"calls": ["c_1"], "set": {"input": 7}, "note": "x"},
    "call.reattribute": {"filters": {"customer": "a"}, "set": {"customer": "b"}, "note": "x"},
    "call.restore": {"calls": ["c_1"], "note": "x"},
    "customer.set": {"customer": "a"},
    "customer.import": {"customers": [{"customer": "a"}]},
    "key.create": {"key_id": "0" * 16, "hash": "f" * 64, "scopes": ["query"], "label": ""},
    "key.revoke": {"key_id": "0" * 16},
    "pricing.apply": {"files": {"a.yaml": "x"}, "note": ""},
    "revenue.import": {
        "entries": [{"id": "1", "customer": "a", "day": "2026-11-30", "amount": "1.50", "currency": "USD", "note": ""}]
    },
    "meters.apply": {"file": "rules: []", "name": "meters.yaml", "note": ""},
    "period.close": {"period": "2026-11", "customer": "a"},
    "export.plan": {"export": "x", "dry_run": True},
    "export.run": {"export": "x", "seconds": 2},
    "export.retry": {"export": "x", "code": "no_meter"},
    "export.pause": {"export": "x", "note": ""},
    "export.resume": {"export": "x", "note": ""},
    "forget": {"subject": "u"},
    "backup": {"to": "/x"},
}


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic a2V5"}, bearer("wrong"), bearer(""), bearer("l\xf6cal")]
)
def test_nothing_is_told_without_a_valid_credential(
    http: TestClient, rater: FakeRater, headers: dict[str, str]
) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/v1/usage", "/v1/nothing"):
        response = http.get(path, headers=sent)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert response.headers["Content-Type"] == "application/problem+json"
    assert http.post("/v1/commands/rebuild", headers=sent).status_code == 401
    assert http.post("/v1/import", headers=sent, content=b"x").status_code == 401
    assert (rater.asked, rater.executed, rater.imported) == ([], [], [])


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_by_scope(http: TestClient, rater: FakeRater, scope: str, name: str) -> None:
    response = http.get(f"/v1/{name}{NEEDED.get(name, '')}", headers=bearer(f"key-{scope}"))
    mine = (scope == "customer-query" and name in CUSTOMER_QUESTIONS) or (scope == "usage" and name in USAGE_QUESTIONS)
    allowed = scope in {"admin", QUESTIONS[name].scope} or mine
    assert response.status_code == (200 if allowed else 403), response.text
    assert [(asked, tenant) for asked, _, tenant in rater.asked] == ([(name, "t1")] if allowed else [])


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", COMMANDS)
def test_commands_by_scope(http: TestClient, rater: FakeRater, scope: str, kind: str) -> None:
    response = http.post(f"/v1/commands/{kind}", headers=bearer(f"key-{scope}"), json=BODIES.get(kind, {}))
    allowed = scope in {"admin", COMMANDS[kind].scope} and not COMMANDS[kind].local
    assert response.status_code == (200 if allowed else 403), response.text
    assert len(rater.executed) == allowed
    if allowed:
        assert rater.executed[0][2:] == ("t1", f"key:id-{scope}")


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_local_token_may_everything_for_the_tenant_it_names(http: TestClient, rater: FakeRater, kind: str) -> None:
    headers = bearer(LOCAL, **{"X-Tollspan-Tenant": "t9", "X-Tollspan-Actor": "cli:me"})
    response = http.post(f"/v1/commands/{kind}", headers=headers, json=BODIES.get(kind, {}))
    assert response.json()["position"] == 42
    assert rater.executed == [(kind, BODIES.get(kind, {}), "t9", "cli:me")]


@pytest.mark.parametrize("scope", SCOPES)
def test_imports_by_scope(http: TestClient, rater: FakeRater, scope: str) -> None:
    body = bytes(range(256)) * 4000
    response = http.post("/v1/import?name=x.pb.gz", headers=bearer(f"key-{scope}"), content=body)
    if scope in {"ingest", "admin"}:
        assert response.json()["body"] == {"bytes": len(body)}
        assert rater.imported == [("x.pb.gz", hashlib.sha256(body).hexdigest(), "t1", f"key:id-{scope}")]
    else:
        assert (response.status_code, rater.imported) == (403, [])


def test_an_import_takes_no_other_parameter(http: TestClient, rater: FakeRater) -> None:
    response = http.post("/v1/import?nome=x.pb", headers=bearer("key-ingest"), content=b"x")
    assert (response.status_code, rater.imported) == (400, [])


def test_a_key_never_leaves_its_tenant(http: TestClient, rater: FakeRater) -> None:
    assert http.get("/v1/usage", headers=bearer("key-query", **{"X-Tollspan-Tenant": "t2"})).status_code == 403
    assert http.get("/v1/usage?tenant=t2", headers=bearer("key-query")).status_code == 400
    assert http.get("/v1/usage", headers=bearer("key-query", **{"X-Tollspan-Tenant": "t1"})).status_code == 200
    assert [tenant for _, _, tenant in rater.asked] == ["t1"]


@pytest.mark.parametrize("customer", ["acme", "a/b", "a/usage", "50 % & more", "customers", "größe"])
def test_a_customer_is_asked_about_by_any_name_it_may_have(http: TestClient, rater: FakeRater, customer: str) -> None:
    response = http.get(f"/v1/customers/{quote(customer, safe='')}/usage", headers=bearer("key-query"))
    assert response.status_code == 200, response.text
    assert [params["customer"] for _, params, _ in rater.asked] == [customer]


def test_a_plus_that_an_address_took_for_a_space_is_named(http: TestClient) -> None:
    response = http.get("/v1/usage?from=2026-11-01T12:00:00+01:00", headers=bearer("key-query"))
    assert response.status_code == 400
    assert response.json()["detail"].endswith("in an address, + is written %2B")
    assert http.get("/v1/usage?from=2026-11-01T12:00:00%2B01:00", headers=bearer("key-query")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "customer"),
    [
        ("usage", 200, "acme"),
        ("usage?customer=acme", 200, "acme"),
        ("usage?customer=globex", 403, None),
        ("usage?customer=acme&customer=globex", 403, None),
        ("usage?sort=cost", 403, None),
        ("invoice?all=true", 403, None),
        ("invoice?period=2026-11", 200, "acme"),
        ("explain?id=1", 403, None),
    ],
)
def test_a_customers_key_sees_its_customer_only(
    http: TestClient, rater: FakeRater, path: str, status: int, customer: str | None
) -> None:
    response = http.get(f"/v1/{path}", headers=bearer("key-customer-query"))
    assert response.status_code == status
    assert [params["customer"] for _, params, _ in rater.asked] == ([customer] if customer else [])


@pytest.mark.parametrize(
    "accept", ["application/json", "text/csv", "application/jsonl", "application/vnd.tollspan.answer+json"]
)
def test_a_customer_never_sees_what_the_provider_charges(http: TestClient, accept: str) -> None:
    response = http.get("/v1/usage", headers=bearer("key-customer-query", Accept=accept))
    assert "charge" in response.text
    assert "0.1234567890" not in response.text
    assert "1 call has no customer" not in response.text


def test_forms_of_an_answer(http: TestClient) -> None:
    def get(accept: str) -> tuple[str, str]:
        response = http.get("/v1/rated-usage", headers=bearer("key-query", Accept=accept))
        return response.headers["Content-Type"].partition(";")[0], response.text

    media, text = get("*/*")
    said = json.loads(text)
    assert media == "application/json"
    assert (said["as_of"], said["zone"], said["ok"]) == (7, "Europe/Berlin", True)
    assert said["rows"][0]["charge"] == "1.50"
    media, text = get("text/csv")
    assert (media, text.splitlines()[0].split(",")[0]) == ("text/csv", "customer")
    assert "'=1+1" in text
    media, text = get("application/jsonl")
    assert (media, len(text.splitlines())) == ("application/jsonl", 2)
    assert get("application/x-ndjson") == ("application/x-ndjson", text)
    assert get("text/csv;q=0.5, application/jsonl")[0] == "application/jsonl"
    assert get("text/html,*/*;q=0.8")[0] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "title", "words"),
    [
        ("GET", "/v1/usage?by=custommer", "query", 400, "Bad Request", "did you mean 'customer'?"),
        ("GET", "/v1/usage", "nobody", 401, "Unauthorized", "tollspan keys list"),
        (
            "GET",
            "/v1/margin",
            "customer-query",
            403,
            "Forbidden",
            "it may ask allowance, calls, invoice, latency, usage",
        ),
        ("GET", "/v1/margin", "usage", 403, "Forbidden", "it may ask allowance, calls, inexact, latency, usage"),
        ("GET", "/v1/margin", "ingest", 403, "Forbidden", "a key with scope query"),
        ("GET", "/v1/invoices", "query", 404, "Not Found", "Did you mean 'invoice'?"),
        ("GET", "/v1/nothing", "query", 404, "Not Found", "Ask one of: usage, calls,"),
        ("GET", "/v2/usage", "query", 404, "Not Found", "nothing is at /v2/usage: /docs tells what there is"),
        (
            "DELETE",
            "/v1/usage",
            "query",
            405,
            "Method Not Allowed",
            "DELETE is not for /v1/usage: send GET, HEAD, POST",
        ),
        (
            "GET",
            "/v1/commands/close",
            "admin",
            405,
            "Method Not Allowed",
            "GET is not for /v1/commands/close: send POST",
        ),
    ],
)
def test_a_refusal_is_titled_by_its_status_and_says_what_to_do(
    http: TestClient, method: str, path: str, key: str, status: int, title: str, words: str
) -> None:
    response = http.request(method, path, headers=bearer(f"key-{key}"))
    said = response.json()
    assert (response.status_code, said["status"], said["title"]) == (status, status, title)
    assert (response.headers["Content-Type"], said["type"]) == ("application/problem+json", "about:blank")
    assert words in said["detail"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.PricingError("a.yaml", 3, "no unit", "Give one."), 400),
        (errors.NotFoundError("call", "x", "Look again."), 404),
        (errors.FolderBusyError("d", "p"), 409),
        (errors.StoreDeadError("dead"), 503),
        (errors.TollspanError("other"), 500),
    ],
)
def test_errors_are_problems(http: TestClient, rater: FakeRater, error: errors.TollspanError, status: int) -> None:
    rater.error = error
    response = http.get("/v1/usage", headers=bearer("key-query"))
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["detail"] == str(error)


def test_a_surprise_tells_nothing_of_the_inside(
    http: TestClient, rater: FakeRater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rater, "ask", lambda *_args, **_kwargs: 1 / 0)
    response = http.get("/v1/usage", headers=bearer("key-query"))
    assert response.status_code == 500
    assert "division" not in response.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"subject": 1}', 400),
        (b'{"subject": "u"}'.ljust(MAX_COMMAND_BYTES + 1), 400),
    ],
)
def test_a_body_that_is_no_command_is_refused(http: TestClient, rater: FakeRater, content: bytes, status: int) -> None:
    response = http.post("/v1/commands/forget", headers=bearer(LOCAL), content=content)
    assert (response.status_code, rater.executed) == (status, [])


def test_unknown_places_and_methods(http: TestClient) -> None:
    assert http.get("/v1/usages", headers=bearer(LOCAL)).status_code == 404
    assert http.post("/v1/commands/rebuildd", headers=bearer(LOCAL)).status_code == 404
    assert http.get("/nowhere").status_code == 404
    assert http.get("/v1/commands/rebuild", headers=bearer(LOCAL)).status_code == 405
    assert http.get("/healthz").json()["ok"] is True


def test_a_path_may_name_the_customer(http: TestClient, rater: FakeRater) -> None:
    headers = bearer("key-query")
    assert http.get("/v1/customers/a%20b/allowance?period=2026-11", headers=headers).status_code == 200
    assert rater.asked == [("allowance", {"customer": "a b", "period": "2026-11"}, "t1")]
    assert http.get("/v1/customers/acme/audit", headers=headers).status_code == 400
    own = http.get("/v1/customers/acme/allowance", headers=bearer("key-customer-query")).status_code
    other = http.get("/v1/customers/globex/allowance", headers=bearer("key-customer-query")).status_code
    assert (own, other) == (200, 403)


def test_a_browser_gets_an_invoice_as_a_page_and_all_else_as_json(http: TestClient, rater: FakeRater) -> None:
    headers = bearer("key-query", Accept="text/html,application/xhtml+xml")
    assert http.get("/v1/usage", headers=headers).headers["Content-Type"] == "application/json"
    line = {
        "customer": "<b>", "period": "2026-11", "line_id": "ln_1", "amount": Decimal(1), "steps": [], "currency": "USD",
        "description": "d", "why": "w", "price_version": None, "quantity": Decimal(1), "included": None,
        "unit_price": None, "calls": 1, "amount_exact": Decimal(1),
    }  # fmt: skip
    rater.answer = Answer("Invoice", tuple(line), [line], 7)
    answered = http.get("/v1/invoice?customer=acme", headers=headers)
    assert answered.headers["Content-Type"].startswith("text/html")
    assert answered.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Invoice of &lt;b&gt;, 2026-11" in answered.text


@pytest.mark.parametrize(
    ("body", "params"),
    [
        ({"by": ["customer", "day"], "top": 3}, {"by": "customer,day", "sort": "charge", "top": "3"}),
        ({"unpriced": True}, {"by": "customer", "sort": "charge", "unpriced": "true"}),
        ({}, {"by": "customer", "sort": "charge"}),
    ],
)
def test_a_question_may_come_as_a_json_object(
    http: TestClient, rater: FakeRater, body: dict[str, object], params: dict[str, str]
) -> None:
    assert http.post("/v1/usage", headers=bearer("key-query"), json=body).status_code == 200
    assert rater.asked == [("usage", params, "t1")]


def test_a_folder_comes_as_an_object_in_an_object(http: TestClient, rater: FakeRater) -> None:
    body = {"files": {"a.yaml": "card: c"}}
    assert http.post("/v1/pricing.diff", headers=bearer("key-query"), json=body).status_code == 200
    assert rater.asked == [("pricing.diff", {"files": '{"a.yaml": "card: c"}'}, "t1")]


@pytest.mark.parametrize(
    ("path", "content", "status", "said"),
    [
        ("usage", b"[]", 400, "JSON object"),
        ("usage", b"{", 400, "no JSON"),
        ("usage", b'{"nothing": 1}', 400, "no parameter"),
        ("usage", b'{"top": null}', 400, "another type"),
        ("usage", b'{"top": true}', 400, "another type"),
        ("usage", b'{"customer": 5}', 400, "another type"),
        ("usage", b'{"customer": 5.5}', 400, "another type"),
        ("usage", b'{"customer": ["a"]}', 400, "another type"),
        ("usage", b'{"by": [["day"]]}', 400, "another type"),
        ("usage", b'{"unpriced": 1}', 400, "another type"),
        ("pricing.diff", b'{"files": "pricing/"}', 400, "a JSON object"),
        ("usage", b'{"x": "' + b"y" * MAX_COMMAND_BYTES + b'"}', 400, "bytes"),
        ("keys.list", b"{}", 403, "admin"),
    ],
)
def test_what_cannot_be_asked_by_post(
    http: TestClient, rater: FakeRater, path: str, content: bytes, status: int, said: str
) -> None:
    response = http.post(f"/v1/{path}", headers=bearer("key-query"), content=content)
    assert (response.status_code, rater.asked) == (status, [])
    assert said in response.json()["detail"]


def test_a_customers_key_is_bound_by_post_as_well(http: TestClient, rater: FakeRater) -> None:
    asked = http.post("/v1/usage", headers=bearer("key-customer-query"), json={"customer": "globex"})
    assert (asked.status_code, rater.asked) == (403, [])
