"""Models that see and hear, each behind a port."""
