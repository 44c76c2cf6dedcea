"""The Collector of this machine, as in the room of its own."""

from tests.collector.conftest import collector_binary, pytest_terminal_summary

__all__ = ["collector_binary", "pytest_terminal_summary"]
