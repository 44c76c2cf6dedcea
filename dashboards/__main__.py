"""Write the dashboards' JSON: ``python -m dashboards``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import boards, dashboard

FOLDER: Final = Path(__file__).parent / "grafana" / "json"


def documents() -> Iterator[tuple[str, str]]:
    """Yield file names and texts."""
    every = list(boards())
    for board in every:
        made = dashboard(board, [other for other in every if other.uid != board.uid]).build()
        yield f"{board.uid}.json", JSONEncoder(sort_keys=True, indent=1).encode(made) + "\n"


if __name__ == "__main__":
    for name, text in documents():
        (FOLDER / name).write_text(text)
