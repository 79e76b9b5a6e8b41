"""What is known by name, and where its weights lie."""
