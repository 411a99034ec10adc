"""What this machine offers."""

import os
import tempfile
from pathlib import Path


def rank() -> int:
    """The number of this process among those that work together: 0 for the one that speaks and writes."""
    launched = os.environ.get("WORLD_SIZE", "1") != "1"  # by torchrun, perhaps on several machines
    return int((os.environ.get("RANK") if launched else None) or os.environ.get("LOCAL_RANK", "0"))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def user_cache() -> Path:
    """A folder for what can be made again: $VIDSPARSE_CACHE, $XDG_CACHE_HOME/vidsparse or ~/.cache/vidsparse.

    Where that cannot be written, one in the temporary folder.
    """
    aside = Path(tempfile.gettempdir()) / f"vidsparse-{os.getuid()}"
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        cache = Path(os.environ.get("VIDSPARSE_CACHE") or home / "vidsparse")
        cache.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache).close()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows where this user is at home
        return aside
    return cache
