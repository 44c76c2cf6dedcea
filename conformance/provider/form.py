"""Reads the bodies that requests have: JSON documents, and forms with files."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any


def document(body: bytes, content_type: str) -> dict[str, Any]:
    """Return a body as a document: members of JSON, or fields of a form (texts as text, files as bytes)."""
    if content_type.startswith("multipart/"):
        return _form(body, content_type)
    found = json.loads(body) if body.strip() else {}
    return found if isinstance(found, dict) else {"": found}


def _form(body: bytes, content_type: str) -> dict[str, Any]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = bytes(part.get_payload(decode=True))
        fields[name] = data if part.get_filename() else data.decode()
    return fields
