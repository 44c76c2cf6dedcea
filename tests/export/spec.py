"""Published specifications of billing systems, to hold requests and simulated answers to; they are no part of us."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

FOLDER = Path(os.environ.get("TOLLSPAN_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "specs"


def faults(spec: str, *place: str, body: Any) -> list[str]:
    """Return what the schema at a place of a specification, named key by key, finds wrong with a body.

    The test is skipped where the specifications are not at hand.
    """
    path = FOLDER / spec
    if not path.exists():
        pytest.skip(f"SKIPPED: {path} is not here; set TOLLSPAN_SHARED_DATA to the folder of the published data")
    pointer = "/".join(key.replace("~", "~0").replace("/", "~1") for key in place)
    validator = Draft202012Validator({**_document(path), "$ref": f"#/{pointer}"})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


def request_of(path: str, method: str = "post", kind: str = "application/json") -> tuple[str, ...]:
    """Return the place of a request's schema."""
    return ("paths", path, method, "requestBody", "content", kind, "schema")


def answer_of(path: str, method: str, status: int, kind: str = "application/json") -> tuple[str, ...]:
    """Return the place of an answer's schema."""
    return ("paths", path, method, "responses", str(status), "content", kind, "schema")


@cache
def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = _with_null(json.loads(path.read_text(encoding="utf-8")))
    return document


def _with_null(node: Any) -> Any:
    """Put OpenAPI 3.0's ``nullable`` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_with_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: _with_null(value) for name, value in node.items()}
    if found.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
