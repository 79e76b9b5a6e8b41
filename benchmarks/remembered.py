"""What a model says of the same sound is computed once: a sweep looks at it again and again."""


class Remembered:
    """A segmenter or speaker encoder that computes each input once: a sweep looks at the same sound."""

    def __init__(self, inner) -> None:
        self._inner, self._known = inner, {}
        self.provenance, self.window = inner.provenance, getattr(inner, "window", 0.0)

    def _each(self, work, items):
        told = []
        for item in items:
            key = (item.start, item.samples.tobytes())
            if key not in self._known:
                self._known[key] = work([item])[0]
            told.append(self._known[key])
        return told

    def segment(self, windows):
        """As the inner one."""
        return self._each(self._inner.segment, windows)

    def encode(self, clips):
        """As the inner one."""
        return self._each(self._inner.encode, clips)
