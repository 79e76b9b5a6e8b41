"""A library and its models over HTTP: OpenAI's audio and embedding endpoints, live sound, jobs for files."""
