"""Features into a causal language model: adapters, prompts, Fuyu's patches."""
