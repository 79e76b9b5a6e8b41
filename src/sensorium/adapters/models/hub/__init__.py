"""Models of Hugging Face transformers, from a local folder or a hub name."""
