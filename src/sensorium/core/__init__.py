"""Nouns: frozen data with units, and the errors."""
