"""Shots, pictures, things and texts."""
