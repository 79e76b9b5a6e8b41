"""What a library holds, by words and by likeness."""
