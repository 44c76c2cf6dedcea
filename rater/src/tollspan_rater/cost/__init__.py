"""What the provider charges for a call: dated price books, NULL for unknown. Pure."""
