"""Configuration: one model, four sources, each value with its origin."""
