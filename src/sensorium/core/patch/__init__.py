"""Nouns of patching: where patches lie."""
