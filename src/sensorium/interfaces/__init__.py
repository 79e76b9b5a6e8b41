"""Ways in for people and programs: parse, call one function, print."""
