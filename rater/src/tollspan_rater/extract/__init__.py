"""From spans to calls: roles, dialects, attribution, settlement. Pure."""
