"""A static leaderboard of many results: one page that needs no network, and the entries behind it as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from vidsparse.report import result_file, words
from vidsparse.report.figures.looks import looks_of
from vidsparse.report.figures.palette import DARK, LIGHT
from vidsparse.utils import files
from vidsparse.utils.errors import RunFolderError

_TEMPLATES = Path(result_file.__file__).parent
Entry = dict[str, Any]


def write_board(folders: Sequence[Path], out: Path) -> Path:
    """Write out/index.html and out/results.json of the results.json that lie in these folders.

    Only entries of the same test samples under the same protocol stand in one table, the most robust first: others do
    not compare. RunFolderError for a folder without results, or one given twice.
    """
    seen: dict[Path, Path] = {}
    entries: list[Entry] = []
    for folder in folders:
        if folder.resolve() in seen:
            raise RunFolderError(f"{folder} is given twice; a leaderboard takes every result once")
        seen[folder.resolve()] = folder
        entries += result_file.read(folder)
    if not entries:
        raise RunFolderError("no result is in any of these folders")
    out.mkdir(parents=True, exist_ok=True)
    result_file.write(out, entries)
    files.write(out / "index.html", _page(grouped(entries)))
    return out / "index.html"


def grouped(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries that may be compared, together: same task, test samples and protocol; the most robust first.

    Entries at chance, and those without corruption, come last: what they keep says nothing.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        key = json.dumps([entry["task"], entry["data"]["fingerprint"], entry["protocol"]], sort_keys=True)
        groups.setdefault(key, []).append(entry)
    return [sorted(group, key=_rank) for group in groups.values()]


def _rank(entry: Mapping[str, Any]) -> tuple[bool, float]:
    robust = entry["robust"]
    return entry["at_chance"] or robust is None, -(robust["value"] if robust else 0.0)


def _page(groups: Sequence[Sequence[Entry]]) -> str:
    room = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    room.filters |= {"percent": words.percent, "signed": words.signed}
    looks = [looks_of({str(at): entry["method"] for at, entry in enumerate(group)}) for group in groups]
    return room.get_template("board.html.j2").render(groups=groups, looks=looks, light=LIGHT, dark=DARK)
