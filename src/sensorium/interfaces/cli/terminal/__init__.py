"""What all commands share: how they print, complete what is typed, and explain themselves."""
