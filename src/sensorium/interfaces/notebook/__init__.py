"""How the nouns show themselves in a notebook: markup without scripts, pictures and sound inside."""
