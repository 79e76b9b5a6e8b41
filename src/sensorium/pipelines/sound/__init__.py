"""Sound into features."""
