"""The only monkeypatches: one module a HTTP library."""
