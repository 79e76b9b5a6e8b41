"""Commands of what learns: datasets, adapters, detectors, voices."""
