"""Dialects as tables, one file a family; ``table`` is their form, ``registry`` finds the one of a span."""
