"""Published recordings of real exchanges with LLM providers, and what the rater reads in them."""
