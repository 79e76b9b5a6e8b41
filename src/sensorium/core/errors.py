"""Everything that Sensorium raises on purpose.

::

    SensoriumError
    ├── UsageError(ValueError)          an argument that cannot be meant
    ├── MediaError                      a file that cannot be read as media
    │   ├── MissingMediaError           no such file, or it may not be opened
    │   │   └── FetchError              a remote file: the network failed, or the file changed meanwhile
    │   ├── UnsupportedMediaError       readable bytes, but no image, audio or video
    │   └── LimitError                  larger, once decoded, than the limits allow
    ├── ModelError                      weights that are absent, broken or of another shape
    │   └── MissingDependencyError      a package that is not installed; names the extra
    ├── LibraryError                    a folder that is no Sensorium library, or a newer one
    ├── SearchError                     a search engine that is away or answers nonsense
    └── WorkerError                     a worker process that died while it worked on a file

Every message says what was expected, what came, and what to do.
"""


class SensoriumError(Exception):
    """Base of every error that Sensorium raises on purpose."""


class UsageError(SensoriumError, ValueError):
    """An argument that cannot be meant: wrong name, wrong range, wrong shape."""


class MediaError(SensoriumError):
    """A file that cannot be read as the media it claims to be."""


class MissingMediaError(MediaError):
    """There is no such file, or it may not be opened."""


class FetchError(MissingMediaError):
    """A remote file did not arrive as it was when it was opened; another try may help."""


class UnsupportedMediaError(MediaError):
    """The bytes were read, but they are no image, audio or video that we decode."""


class LimitError(MediaError):
    """Decoding was stopped: the content is larger than the limits allow."""


class ModelError(SensoriumError):
    """Weights that are absent, broken, or of another shape than the adapter expects."""


class MissingDependencyError(ModelError):
    """A package that this model needs is not installed; the message names the extra."""


class LibraryError(SensoriumError):
    """A folder that is not a Sensorium library, or one written by a newer version."""


class SearchError(SensoriumError):
    """A search engine that is away, refuses, or answers something else."""


class WorkerError(SensoriumError):
    """A worker process died (out of memory, crash in native code) on one file."""
