"""The command ``tollspan``: its groups and global options."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Turn the spans of LLM applications into bills that can be proved."""
