"""Hands rated lines and usage over to billing systems and files: never twice, never not."""
