"""A fake provider on loopback that speaks the vendors' wire formats and keeps a bill of every physical call."""

from conformance.provider.server import Provider

__all__ = ["Provider"]
