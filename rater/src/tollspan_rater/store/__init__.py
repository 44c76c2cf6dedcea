"""The DuckDB file: schema, append, reads, rebuild, snapshots."""
