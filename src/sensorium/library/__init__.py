"""The library folder: its layout, the one writer, the reader."""
