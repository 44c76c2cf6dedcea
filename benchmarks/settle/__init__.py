"""What extraction and settlement cost beside plain storing of the same spans."""
