"""Where work is run: in this process, in processes of this machine."""
