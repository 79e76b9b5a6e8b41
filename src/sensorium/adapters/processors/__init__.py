"""Pictures prepared as a model of the hub wants them."""
