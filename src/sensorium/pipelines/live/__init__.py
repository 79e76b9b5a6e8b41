"""Words and turns of a stream as they settle."""
