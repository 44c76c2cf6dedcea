"""A fake LLM provider on loopback: real wire formats, seeded usage, faults on demand, and its own bill."""

from tollspan_rater.demo.provider.bill import Bill, Counts
from tollspan_rater.demo.provider.server import FakeProvider

__all__ = ["Bill", "Counts", "FakeProvider"]
