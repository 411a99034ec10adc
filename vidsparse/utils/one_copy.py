"""One copy of `corruptions`: the one that this vidsparse brings, or another with the same files."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vidsparse.utils.errors import VidsparseError

if TYPE_CHECKING:
    from importlib.metadata import Distribution

Files = dict[str, str]  # name to SHA-256
_MEND = "pip uninstall vidsparse-corruptions, then pip install --force-reinstall --no-deps vidsparse (or its wheel)"


@cache
def check_corruptions() -> None:
    """Raise VidsparseError where the `corruptions` that is imported is not the one that vidsparse brings.

    The wheels of vidsparse and of vidsparse-corruptions bring the same folder. Installed both, they are one copy where
    their files agree, and the later one has written over the other where they do not.
    """
    if said := disagreement(imported(), Path(__file__).resolve().parents[2] / "corruptions"):
        raise VidsparseError(said)


def imported() -> Path | None:
    """The folder that `import corruptions` takes, or None where there is none."""
    found = find_spec("corruptions")
    return None if found is None or found.origin is None else Path(found.origin).resolve().parent


def disagreement(used: Path | None, own: Path) -> str:
    """What is wrong with the copy that is used, beside our own; empty where nothing is."""
    if used is None:
        return f"the package corruptions, which vidsparse brings, is not in {own.parent} any more: {_MEND}"
    if used != own and sources(used) != sources(own):
        return f"import corruptions takes {used}, which is not the copy of this vidsparse, {own}: remove it, or {_MEND}"
    ours, theirs = shipped("vidsparse", own), shipped("vidsparse-corruptions", own)
    if used == own and ours and theirs and ours != theirs:
        return (
            f"vidsparse {_version('vidsparse')} and vidsparse-corruptions {_version('vidsparse-corruptions')} have "
            f"both written {own}, and their files differ: {_MEND}"
        )
    return ""


def sources(folder: Path) -> Files:
    """The modules of a package and what is in them."""
    found = folder.rglob("*.py")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def shipped(name: str, folder: Path) -> Files:
    """The modules that a package, as it was installed, put into this folder, and their digests."""
    found = _installed(name)
    if found is None or Path(str(found.locate_file(folder.name))).resolve() != folder:
        return {}
    mine = [file for file in found.files or () if file.parts[0] == folder.name and file.suffix == ".py"]
    return {file.relative_to(folder.name).as_posix(): file.hash.value for file in mine if file.hash}


def _installed(name: str) -> "Distribution | None":
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _version(name: str) -> str:
    found = _installed(name)
    return found.version if found else "?"
