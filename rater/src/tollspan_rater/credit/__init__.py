"""Allowances; wallets and leases come later. Pure."""
