"""Real instrumentations of today against a provider that keeps its own bill: is tollspan's reading the bill?"""
