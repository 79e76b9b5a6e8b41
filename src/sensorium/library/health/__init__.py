"""What is wrong with a library folder, and how it is mended."""
