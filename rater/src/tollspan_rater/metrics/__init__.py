"""What a rater tells Prometheus: its own health, and the few business figures that fit into a time series."""
