"""Faces followed through a video, and which of them speaks."""
