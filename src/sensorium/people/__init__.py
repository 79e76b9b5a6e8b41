"""Who is who in a library, one way through: sample -> match -> claim -> decision -> name."""
