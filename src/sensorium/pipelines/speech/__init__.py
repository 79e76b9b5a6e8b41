"""What was said, and who spoke when."""
