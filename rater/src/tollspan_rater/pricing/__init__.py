"""Price models, rate cards, plans and their versions in time. Pure."""
