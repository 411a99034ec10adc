"""What is counted so far of a file of many images, kept beside the index: a count that is killed goes on from there."""

import hashlib
from contextlib import suppress
from time import monotonic

from vidsparse.data.indexing import manifest
from vidsparse.data.indexing.manifest import File
from vidsparse.data.reading.frames import VideoInfo
from vidsparse.utils import files
from vidsparse.utils.errors import WriteError
from vidsparse.utils.machine import user_cache

KEEP_EVERY = 5.0  # seconds between savings: a count that is killed has lost no more
_VERSION = "index-v5"  # as that of the index: goes up when `inspect` would answer differently


class PartialCount:
    """The entries of one file in order, as far as they are counted; in the user's cache until `finish`.

    What was kept holds for the file with this path, size and time of change alone. Where nothing can be written, the
    count goes on without.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        named = hashlib.blake2b(f"{_VERSION}\0{file}".encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
        self._path = user_cache() / "counting" / f"{named}.parquet"
        self.found = list(manifest.load(self._path).get(file, ()))
        self._kept = monotonic()

    def add(self, info: VideoInfo) -> None:
        """Take the next entry; every few seconds what there is is kept."""
        self.found.append(info)
        if monotonic() - self._kept > KEEP_EVERY:
            self._kept = monotonic()
            with suppress(WriteError, OSError):
                manifest.save({self._file: self.found}, self._path)

    def finish(self) -> None:
        """Forget what was kept: the whole count stands elsewhere, or is worth nothing."""
        with suppress(OSError):
            files.remove(self._path)
