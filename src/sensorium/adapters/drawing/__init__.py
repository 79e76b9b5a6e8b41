"""Sheets and curves for people, as pictures."""
