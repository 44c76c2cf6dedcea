"""Meters every LLM call of an application with the customer it was made for."""
