"""A library as one page or one sheet, for eyes."""
