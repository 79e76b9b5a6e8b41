"""A library for language models: what fits into a context, and the tools of an agent."""
