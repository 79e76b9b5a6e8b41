"""Files and streams into sound and pictures, and pictures back to files."""
