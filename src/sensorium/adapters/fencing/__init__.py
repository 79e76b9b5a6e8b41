"""A fence around a process that works on files of strangers."""
