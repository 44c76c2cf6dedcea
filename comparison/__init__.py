"""One table of calls with the real SDKs: what tollspan records of each, and what other instrumentations do."""
