"""The HTTP doors: questions and commands."""
