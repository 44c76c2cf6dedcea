"""Recorded traces of real instrumentations against the provider's own bill; ``python -m tests.dialects``."""
