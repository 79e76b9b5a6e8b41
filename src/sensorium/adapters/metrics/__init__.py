"""Error rates, by the libraries of the field."""
