"""Outside libraries and models, one a file; they fulfil the ports and do not know each other."""
