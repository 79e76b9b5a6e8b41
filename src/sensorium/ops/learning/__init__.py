"""Which pictures teach, and which are held out."""
