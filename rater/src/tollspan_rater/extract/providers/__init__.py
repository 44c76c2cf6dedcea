"""What each provider's usage object means: one table an API, one file a family; :mod:`extract.raw` reads by them."""
