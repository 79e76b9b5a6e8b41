"""Pages of the web: fetched within limits, and read as a person would see them."""
