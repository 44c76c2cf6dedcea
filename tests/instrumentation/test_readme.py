"""Every name of tollspan that its README tells of is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "instrumentation/README.md").read_text(encoding="utf-8")
MODULES = r"(?:web|tasks)\.\w+"
DOTTED = sorted(set(re.findall(rf"\btollspan\.({MODULES}\.\w+|\w+)\(", README)))
IMPORTED = re.findall(r"^from tollspan\.([\w.]+) import (\w+)", README, re.MULTILINE)


@pytest.mark.parametrize("name", [*DOTTED, *(f"{module}.{name}" for module, name in IMPORTED)])
def test_every_name_of_the_readme_exists(name: str) -> None:
    module, _, last = f"tollspan.{name}".rpartition(".")
    assert callable(getattr(importlib.import_module(module), last))


def test_names_are_found() -> None:
    assert {"inject", "extract", "attribute", "install", "web.flask.init_app", "tasks.celery.connect"} <= set(DOTTED)
    assert ("web.asgi", "AttributionMiddleware") in IMPORTED
