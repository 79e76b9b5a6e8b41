"""Who is who, as arithmetic: likeness, evidence, belief, and the fold over decisions."""
