"""The one writer: journal, decode, extract, settle, store."""
