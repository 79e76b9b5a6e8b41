"""Boxes, cuts, tracks, sizes."""
