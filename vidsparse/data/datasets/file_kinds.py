"""Which files are clips and which folders are classes: by suffix, and never what systems and programs leave behind."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping

from vidsparse.utils.errors import DataError, plural, some

VIDEO_SUFFIXES = (
    *(".avi", ".mp4", ".m4v", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts", ".3g2", ".qt"),
    *(".gif", ".m2ts", ".mts", ".m2t", ".ogv", ".ogm", ".vob", ".y4m", ".mxf", ".f4v", ".asf", ".divx", ".xvid"),
    *(".rm", ".rmvb", ".dv", ".mpe", ".mpv", ".m1v", ".m2v", ".mjpeg", ".mjpg", ".h264", ".264", ".h265", ".265"),
    *(".hevc", ".ivf", ".nut", ".wtv", ".amv", ".apng"),
)
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jpe", ".jfif", ".pbm", ".pnm"),
    *(".dib", ".tga", ".jp2", ".avif"),
)
READER_OF = {**dict.fromkeys(VIDEO_SUFFIXES, "video"), **dict.fromkeys(IMAGE_SUFFIXES, "image")}
READER_OF_ALONE = {**READER_OF, ".hdf5": "hdf5"}  # HDF5 may be a video as JPEGs; beside videos it is their features

_LEFTOVERS = frozenset(
    (
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "__macosx", "__pycache__"),
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "lost+found", "$recycle.bin"),
        *("recycler", "system volume information", "network trash folder", "temporary items", "found.000"),
    )
)
_TEXTS = frozenset(  # what stands beside clips and is nowhere taken for one
    (
        *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".rst", ".html", ".htm", ".pdf"),
        *(
            ".py",
            ".sh",
            ".m",
            ".mat",
            ".log",
            ".ini",
            ".db",
            ".url",
            ".nfo",
            ".srt",
            ".vtt",
            ".parquet",
            ".npy",
            ".npz",
        ),
        *(".md5", ".sha1", ".sha256", ".sha512", ".bib", ".license"),
    )
)
_NAMED_TEXTS = frozenset(("readme", "license", "licence", "copying", "notice", "makefile", "md5sums", "sha256sums"))


def is_leftover(name: str) -> bool:
    """Whether a file or folder is what a system leaves: hidden, thumbnails of a NAS, the shadow of an archive of macOS.

    >>> [name for name in ("jump", "@eaDir", "__MACOSX", "._jump", "Thumbs.db", ".DS_Store") if not is_leftover(name)]
    ['jump']
    """
    return name.startswith(".") or name.casefold() in _LEFTOVERS or name.casefold().startswith("thumbs.db")


def suffix_of(name: str) -> str:
    """The suffix of a file in small letters, with its dot."""
    return os.path.splitext(name)[1].lower()


def note_other(name: str, others: Counter[str]) -> None:
    """Count a file that is neither video nor image by its suffix; lists and texts are no clips that went missing."""
    suffix = suffix_of(name)
    if suffix not in _TEXTS and name.casefold() not in _NAMED_TEXTS:
        others[suffix or "no suffix"] += 1


def said_of_others(others: Counter[str]) -> tuple[str, ...]:
    """One sentence on the files that were not read; none where there were none."""
    if not others:
        return ()
    kinds = some([f"{count} {suffix}" for suffix, count in others.most_common()], 8)
    return (f"{plural(others.total(), 'file')} with suffixes that no decoder here is known for, not read: {kinds}",)


def one_of(candidates: Iterable[str], kinds: Mapping[str, str], wanted: str, where: str, name: str) -> str | None:
    """The only one of these paths that is of the kind a source is about; None without one, DataError with several."""
    fitting = [path for path in candidates if kinds[path] == wanted]
    if len(fitting) > 1:
        raise DataError(f"{where}: {name!r} fits {len(fitting)} files ({some(sorted(fitting))}); keep one of them")
    return fitting[0] if fitting else None
