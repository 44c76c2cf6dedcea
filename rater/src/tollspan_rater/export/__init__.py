"""Rated lines as files with a manifest."""
