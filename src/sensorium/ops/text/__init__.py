"""Text of any language: the tokens that a search compares, and what a query means."""
