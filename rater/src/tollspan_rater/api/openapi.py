"""The OpenAPI description of the HTTP API, made from the tables of questions and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from tollspan_rater.api import page
from tollspan_rater.api.sent import LINES_TYPES, POSITION_HEADER, ZONE_HEADER
from tollspan_rater.api.wire import PROBLEM_TYPE
from tollspan_rater.pricing.period import LABEL
from tollspan_rater.query.commands import COMMANDS, CommandKind
from tollspan_rater.query.question import ANY_TAG, Param, Question
from tollspan_rater.query.questions import QUESTIONS
from tollspan_rater.query.release import RELEASE

Data = dict[str, Any]
ALIASES: Final[Mapping[str, str]] = {"rated-usage": "usage"}
_TEXT: Final[Data] = {"type": "string"}
_DAY: Final = r"(19[7-9][0-9]|20[0-9]{2}|21[0-8][0-9])-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_DATE: Final = rf"{_DAY}(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?)?"
_LABEL: Final = re.sub(r"\?P<[a-z]+>", "?:", LABEL.pattern)  # names of groups are not the same everywhere
_SCHEMAS: Final[Mapping[str, Data]] = {
    "str": {"type": "string", "minLength": 1},
    "id": {"type": "string"},
    "int": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    "date": {"type": "string", "pattern": f"^{_DATE}$", "examples": ["2026-11-01", "2026-11-01T12:00:00Z"]},
    "zone": {"type": "string", "examples": ["Europe/Berlin"]},
    "moment": {"type": "string", "pattern": f"^(now|stored|[0-9]{{1,18}}|{_DATE})$", "examples": ["now", "1234"]},
    "period": {"type": "string", "pattern": f"^({_LABEL})$", "examples": ["2026-11"]},
    "flag": {"type": "boolean"},
    "json": {"type": ["object", "array", "string"]},
}


@cache
def description() -> Data:
    """Return the description as a JSON object, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tollspan",
            "version": RELEASE,
            "description": "Usage, money and what explains them. Decimals are strings, unknown is null.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"key": []}],
        "tags": [{"name": "questions"}, {"name": "commands"}, {"name": "server"}],
        "paths": dict(_paths()),
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "`tollspan keys create` makes one."}
            },
            "schemas": {**_ANSWERS, **_bodies()},
            "responses": {"Problem": _PROBLEM},
        },
    }


def schema_of(param: Param, *, in_body: bool = False) -> Data:
    """Return the JSON Schema of a parameter; a JSON object may say numbers and flags as text, too."""
    one = dict(_SCHEMAS[param.kind]) if param.kind != "enum" else _choices(param)
    if in_body and param.kind in {"int", "flag"}:
        text = {"type": "string", "pattern": "^[0-9]{1,9}$" if param.kind == "int" else "^(true|false)$"}
        one = {"anyOf": [one, text]}
    schema: Data = {"type": "array", "items": one} if param.repeat else one
    return schema if param.default is None else {**schema, "default": _default(param)}


def _choices(param: Param) -> Data:
    named: Data = {"type": "string", "enum": [name for name in param.choices if name != ANY_TAG]}
    if ANY_TAG not in param.choices:
        return named
    return {"anyOf": [named, {"type": "string", "pattern": r"^tags\.[A-Za-z0-9_.-]{1,100}$"}]}


def _default(param: Param) -> object:
    value = str(param.default)
    if param.repeat:
        return value.split(",")
    return int(value) if param.kind == "int" else value


def _paths() -> Iterator[tuple[str, Data]]:
    for name, question in _named():
        yield f"/v1/{name}", {"get": _get(name, question), "post": _post(name, question)}
    for name, question in _named():
        if any(param.name == "customer" for param in question.params):
            yield f"/v1/customers/{{customer}}/{name}", {"get": _get_of_customer(name, question)}
    for kind in COMMANDS.values():
        yield f"/v1/commands/{kind.kind}", {"post": _command(kind)}
    yield "/v1/import", {"post": _IMPORT}
    yield "/metrics", {"get": _METRICS}
    yield "/healthz", {"get": _open("health", "Whether the server answers, and as which process.", "application/json")}
    yield "/openapi.json", {"get": _open("description", "This description.", "application/json")}
    yield "/docs", {"get": _open("docs", "This description as a page.", "text/html")}


def _named() -> Iterator[tuple[str, Question]]:
    yield from QUESTIONS.items()
    for alias, name in ALIASES.items():
        yield alias, QUESTIONS[name]


def _params(question: Question) -> list[Param]:
    return [*question.params, *(param for param in _paging(question) if not _has(question, param.name))]


def _paging(question: Question) -> tuple[Param, ...]:
    return page.PARAMS if page.paged(question) else ()


def _has(question: Question, name: str) -> bool:
    return any(param.name == name for param in question.params)


def _get(name: str, question: Question) -> Data:
    said = [_in_query(param) for param in _params(question)]
    return _question(f"get {name}", question) | {"parameters": [*said, _IF_NONE_MATCH]}


def _get_of_customer(name: str, question: Question) -> Data:
    place = {"name": "customer", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    said = [_in_query(param) for param in _params(question) if param.name not in {"customer", "all"}]
    return _question(f"get {name} of a customer", question) | {"parameters": [place, *said, _IF_NONE_MATCH]}


def _post(name: str, question: Question) -> Data:
    params = _params(question)
    schema = {
        "type": "object",
        "properties": {param.name: schema_of(param, in_body=True) | {"description": param.help} for param in params},
        "required": [param.name for param in params if param.required],
        "additionalProperties": False,
    }
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    answered = _question(f"ask {name}", question) | body
    answered["responses"] = {status: one for status, one in answered["responses"].items() if status != "304"}
    return answered


def _in_query(param: Param) -> Data:
    return {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.help,
        "schema": schema_of(param) if param.kind != "json" else {"type": "string", "pattern": r"^\s*[\[{]"},
    }


def _question(name: str, question: Question) -> Data:
    alone = f" Exactly one of: {', '.join(question.one_of)}." if question.one_of else ""
    return {
        "operationId": name.replace(" ", "_").replace(".", "_").replace("-", "_"),
        "tags": ["questions"],
        "summary": question.help,
        "description": f"Scope `{question.scope}`.{alone}",
        "responses": {"200": _ANSWERED, "304": _UNCHANGED, "default": {"$ref": "#/components/responses/Problem"}},
    }


def _command(kind: CommandKind) -> Data:
    place = " Only from the machine of the data folder." if kind.local else ""
    schema = {"$ref": f"#/components/schemas/{kind.body.__name__}"}
    return {
        "operationId": kind.kind.replace(".", "_"),
        "tags": ["commands"],
        "summary": kind.help,
        "description": f"Scope `{kind.scope}`.{place}",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": _RECEIVED, "default": {"$ref": "#/components/responses/Problem"}},
    }


def _bodies() -> Data:
    """Return the schemas of all commands' bodies, and of what is in them."""
    found: Data = {}
    for kind in COMMANDS.values():
        schema = kind.body.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
        found |= schema.pop("$defs", {})
        found[kind.body.__name__] = schema
    return found


def _open(name: str, summary: str, media: str) -> Data:
    content = {media: {"schema": {"type": "object"} if media.endswith("json") else _TEXT}}
    return {
        "operationId": name,
        "tags": ["server"],
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": "As said.", "content": content}},
    }


def _content(schema: str) -> Data:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}


_HEADERS: Final[Data] = {
    "ETag": {"description": "While the tag stays, the answer does.", "schema": _TEXT},
    POSITION_HEADER: {"description": "The journal position that the answer includes.", "schema": {"type": "integer"}},
    ZONE_HEADER: {"description": "The time zone of its days and periods.", "schema": _TEXT},
    "Link": {"description": "Where the next page is, when one follows.", "schema": _TEXT},
}
_ANSWERED: Final[Data] = {
    "description": "The answer.",
    "headers": _HEADERS,
    "content": {
        "application/json": _content("Answer"),
        "text/csv": {"schema": _TEXT},
        **{name: {"schema": _TEXT} for name in LINES_TYPES},
        "text/html": {"schema": _TEXT},
    },
}
_UNCHANGED: Final[Data] = {"description": "The asker has this answer already.", "headers": _HEADERS}
_RECEIVED: Final[Data] = {"description": "Durable and applied.", "content": {"application/json": _content("Receipt")}}
_PROBLEM: Final[Data] = {"description": "What is wrong (RFC 9457).", "content": {PROBLEM_TYPE: _content("Problem")}}
_IF_NONE_MATCH: Final[Data] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The tag of an answer that the asker has; 304 when it is still the answer.",
    "schema": _TEXT,
}
_IMPORT: Final[Data] = {
    "operationId": "import",
    "tags": ["commands"],
    "summary": "Read the bytes of an OTLP file or a file of usage events through the pipeline.",
    "description": "Scope `ingest`. The name tells format and compression.",
    "parameters": [
        {"name": "name", "in": "query", "required": False, "description": "The file's name.", "schema": _TEXT}
    ],
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {}}}},
    "responses": {"200": _RECEIVED, "default": {"$ref": "#/components/responses/Problem"}},
}
_METRICS: Final[Data] = {
    "operationId": "metrics",
    "tags": ["server"],
    "summary": "Figures for Prometheus: the rater's health, and the largest customers and models of the month.",
    "description": "Scope `query`. OpenMetrics where `Accept` asks for it.",
    "responses": {
        "200": {
            "description": "The figures of the key's tenant.",
            "content": {"text/plain": {"schema": _TEXT}, "application/openmetrics-text": {"schema": _TEXT}},
        },
        "default": {"$ref": "#/components/responses/Problem"},
    },
}
_ANSWERS: Final[Data] = {
    "Answer": {
        "type": "object",
        "required": ["title", "columns", "rows", "totals", "as_of", "zone", "notes", "ok", "details", "next"],
        "additionalProperties": False,
        "properties": {
            "title": _TEXT,
            "columns": {"type": "array", "items": _TEXT, "description": "The order of the columns."},
            "rows": {"type": "array", "items": {"type": "object"}},
            "totals": {"type": ["object", "null"], "description": "Of all rows, whichever page they are on."},
            "as_of": {"type": "integer", "minimum": 0, "description": "The journal position that it includes."},
            "zone": _TEXT,
            "notes": {"type": "array", "items": _TEXT},
            "ok": {"type": "boolean", "description": "False when the answer reports a difference."},
            "details": {"type": "object"},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
        },
    },
    "Receipt": {
        "type": "object",
        "required": ["position", "body"],
        "properties": {"position": {"type": "integer"}, "body": {"type": "object"}},
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
    },
}
