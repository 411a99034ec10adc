"""Data sets of Hugging Face that are on this disk: hf://datasets/ORG/NAME[@REVISION][/FOLDER] as a folder."""

import os
import re
from pathlib import Path

from vidsparse.utils.errors import DataError

_DATASET = re.compile(r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w.-]+))?(?P<below>(/[^/]+)*)/?")


def data_root(text: str) -> Path:
    """The folder that `data.root` names: a path, or the snapshot of a data set of Hugging Face; nothing is downloaded.

    The files of a snapshot may be links into its folder of blobs. Raises DataError where the snapshot is not here.

    >>> data_root("data/ucf101").as_posix()
    'data/ucf101'
    """
    if not text.startswith("hf://"):
        return Path(text)
    found = _DATASET.fullmatch(text)
    if not found:
        raise DataError(f"data.root={text}: a data set of Hugging Face is hf://datasets/ORG/NAME or with @REVISION")
    cache = _cache() / f"datasets--{found['name'].replace('/', '--')}"
    revision = found["revision"] or "main"
    reference = cache / "refs" / revision
    commit = reference.read_text("ascii").strip() if reference.is_file() else revision
    folder = cache / "snapshots" / commit
    if not folder.is_dir():
        raise DataError(
            f"data.root={text}: there is no snapshot {revision} of it in {_cache()}; get it with hf download "
            f"{found['name']} --repo-type dataset, or set HF_HUB_CACHE to where it is"
        )
    below = folder / (found["below"] or "").strip("/")
    if not below.is_dir() or ".." in below.parts:
        raise DataError(f"data.root={text}: the snapshot {folder} has no folder {found['below'].strip('/')}")
    return below


def _cache() -> Path:
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
