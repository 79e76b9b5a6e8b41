"""Verbs: pure functions on arrays and plain data."""
