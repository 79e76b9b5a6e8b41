"""Passes over a file and stages of a stream: the only code with running state; they see ports alone."""
