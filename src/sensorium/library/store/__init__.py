"""Results on disk: journals that are added to, shards that never change, a catalogue that finds them."""
