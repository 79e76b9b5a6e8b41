"""A library as text and plain data: timelines, subtitles, summaries."""
