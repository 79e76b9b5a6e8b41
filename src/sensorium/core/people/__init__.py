"""Nouns of who is who: samples, identities, evidence, cast lists, questions to an agent."""
