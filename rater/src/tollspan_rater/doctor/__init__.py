"""What ``tollspan doctor`` looks at in a set-up, and what it says to do."""
