"""What bills and charges cost beside the bare queries over the same rows."""
