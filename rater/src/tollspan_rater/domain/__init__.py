"""What everything else speaks of: spans, usage, calls, meters, fates, money. Pure."""
