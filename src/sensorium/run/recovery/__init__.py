"""What a damaged library has lost, computed again."""
