"""The OpenAPI description as a page for people: HTML without scripts, nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from tollspan_rater.query.page import POLICY

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1b;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin:2.5rem 0 .5rem}summary{cursor:pointer;padding:.3rem 0}details{border-top:1px solid #ccc}
code{font:13px ui-monospace,monospace}table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0}.aside{color:#555}
"""


def docs_page(description: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI description."""
    info = description["info"]
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(info['title'])}: HTTP API</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(info['title'])} {escape(info['version'])}: HTTP API</h1>\n<p>{escape(info['description'])}</p>\n"
        "<p>Every request needs <code>Authorization: Bearer KEY</code>. For programs: "
        '<a href="openapi.json">openapi.json</a>.</p>\n'
    )
    parts = (part for tag in description["tags"] for part in _section(description, tag["name"]))
    return "".join([head, *parts, "</body>\n</html>\n"])


def _section(description: Mapping[str, Any], tag: str) -> Iterator[str]:
    yield f"<h2>{escape(tag.capitalize())}</h2>\n"
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield from _operation(description, f"{method.upper()} {path}", operation)


def _operation(description: Mapping[str, Any], place: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<details>\n<summary><code>{escape(place)}</code> {escape(operation['summary'])}</summary>\n"
    yield f'<p class="aside">{escape(operation.get("description", ""))}</p>\n'
    rows = [*_parameters(operation), *_fields(description, operation)]
    if rows:
        yield f"<table>\n{''.join(rows)}</table>\n"
    yield "</details>\n"


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    for one in operation.get("parameters", ()):
        yield _row(one["name"], one["schema"], one.get("description", ""), required=one["required"])


def _fields(description: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields of a body that is a JSON object."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, one in schema.get("properties", {}).items():
        yield _row(name, one, one.get("description", ""), required=name in schema.get("required", ()))


def _row(name: str, schema: Mapping[str, Any], words: str, *, required: bool) -> str:
    need = " (required)" if required else ""
    return (
        f"<tr><th><code>{escape(name)}</code>{need}</th><td>{escape(_kind(schema))}</td><td>{escape(words)}</td></tr>\n"
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """Say in few words what a schema takes."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_kind, schema["anyOf"])))
    if schema.get("type") == "array":
        return f"several: {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kind = schema.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
