"""Waves into rows and windows."""
