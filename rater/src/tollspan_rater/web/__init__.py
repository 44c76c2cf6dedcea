"""The built-in pages: what the query layer answers, as HTML that a browser shows without scripts."""
