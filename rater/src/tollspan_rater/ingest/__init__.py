"""From the wire to the journal: receivers, limits, content strip, journal, decode."""
