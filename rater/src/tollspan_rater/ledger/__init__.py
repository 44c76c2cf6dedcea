"""Closed periods and adjustments."""
