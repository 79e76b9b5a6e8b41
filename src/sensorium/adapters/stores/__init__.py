"""Formats on disk: records, features, cast lists, captions, datasets."""
