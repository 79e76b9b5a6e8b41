"""Arrays into patches and back: numpy, compiled kernels, tensors, streams."""
