"""Language models that look names up."""
