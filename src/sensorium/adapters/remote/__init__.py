"""Files that lie elsewhere: their addresses, and their bytes, fetched by ranges and each but once."""
