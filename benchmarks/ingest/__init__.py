"""How fast spans come in: the rater beside floors that were measured in the same run."""
