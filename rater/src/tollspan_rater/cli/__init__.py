"""The command `tollspan`."""
