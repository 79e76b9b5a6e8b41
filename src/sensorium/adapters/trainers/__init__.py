"""Libraries that train detectors."""
