"""tollspan's rater: spans in, proved bills out. The folders follow the way of one span."""
