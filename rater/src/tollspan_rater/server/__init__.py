"""Putting it together: the owner of a data folder, with doors or without."""
