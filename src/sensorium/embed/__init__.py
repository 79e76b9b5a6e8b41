"""Pictures and sounds into features, without a library."""
