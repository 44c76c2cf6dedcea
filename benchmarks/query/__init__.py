"""How fast questions are answered over HTTP while spans come in, beside the bare queries over the same rows."""
