"""Whose voice it is: activity of local speakers, voices of pieces, the speakers of a recording."""
