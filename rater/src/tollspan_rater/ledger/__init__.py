"""The ledger: statements of closed periods, adjustments after them, and the postings of both. Pure."""
