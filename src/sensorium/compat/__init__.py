"""Drop-in replacements: the same names and arguments as other libraries, computed by Sensorium."""
