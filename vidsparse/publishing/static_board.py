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
    not compare. A study's comparisons are found in it; a result that is in several folders counts once.
    RunFolderError for a folder without results, or one given twice.
    """
    seen: dict[Path, Path] = {}
    entries: list[Entry] = []
    for folder in folders:
        if folder.resolve() in seen:
            raise RunFolderError(f"{folder} is given twice; a leaderboard takes every result once")
        seen[folder.resolve()] = folder
        entries += _entries(folder)
    if not entries:
        raise RunFolderError("no result is in any of these folders")
    entries = each_once(entries)
    out.mkdir(parents=True, exist_ok=True)
    result_file.write(out, entries)
    files.write(out / "index.html", _page(grouped(entries)))
    return out / "index.html"


def _entries(folder: Path) -> list[Entry]:
    """Those of the folder itself and, of a study with several comparisons, of each."""
    inside = sorted(path.parent for path in (folder / "comparisons").glob(f"*/{result_file.NAME}"))
    own = [folder] if (folder / result_file.NAME).is_file() or not inside else []
    return [entry for each in (*own, *inside) for entry in result_file.read(each)]


def each_once(entries: Sequence[Entry]) -> list[Entry]:
    """Every result once: entries of the same predictions, and single runs of an arm that is there, are one.

    Of two the one with more seeds stays, then the one that says more gains, then the first.
    """
    kept: list[tuple[frozenset[str], Entry]] = []
    for entry in sorted(entries, key=_said, reverse=True):
        what = _predictions(entry)
        if not any(what <= other for other, _ in kept):
            kept.append((what, entry))
    wanted = {id(entry) for _, entry in kept}
    return [entry for entry in entries if id(entry) in wanted]


def _said(entry: Entry) -> tuple[int, int]:
    return len(entry["seeds"]), sum(entry.get(key) is not None for key in ("gain_over_dense", "gain_over_static"))


def _predictions(entry: Entry) -> frozenset[str]:
    """What tells results apart: digests of their predictions; of a run without, all that its entry says."""
    digests = entry.get("predictions_sha256") or [None]
    if None in digests:
        return frozenset({json.dumps(entry, sort_keys=True)})
    return frozenset(map(str, digests))


def grouped(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries that may be compared, together: same task, test samples and protocol; the most robust first.

    What a file of before does not say of its protocol is not taken for the same. Entries at chance, and those without
    corruption, come last: what they keep says nothing.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(json.dumps(_compared_by(entry), sort_keys=True), []).append(entry)
    return [sorted(group, key=_rank) for group in groups.values()]


def what_differs(groups: Sequence[Sequence[Entry]]) -> list[str]:
    """Of each group, in words, what sets it apart from the others of its data and suite; "" where it is alone."""
    facts = [_compared_by(group[0]) for group in groups]
    titles = [(group[0]["data"]["description"], fact.get("suite")) for group, fact in zip(groups, facts, strict=True)]
    found = []
    for title, fact in zip(titles, facts, strict=True):
        beside = [other for name, other in zip(titles, facts, strict=True) if name == title]
        keys = dict.fromkeys(key for other in beside for key in (*fact, *other))
        differing = [key for key in keys if len({json.dumps(other.get(key, "?")) for other in beside}) > 1]
        found.append("; ".join(f"{key.replace('_', ' ')} {_word(fact, key)}" for key in differing))
    return found


def _compared_by(entry: Entry) -> dict[str, Any]:
    """{what: value}: entries in which all of these are the same compare."""
    of_scores = {"corruptions": sorted(entry.get("corruptions") or {})}
    return {"task": entry["task"], "test_samples": entry["data"]["fingerprint"], **of_scores, **entry["protocol"]}


def _word(fact: Mapping[str, Any], key: str) -> str:
    if key not in fact:
        return "not said (an older file)"
    value = fact[key]
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)[:12] if key == "test_samples" else str(value)


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
    return room.get_template("board.html.j2").render(
        groups=groups, looks=looks, differs=what_differs(groups), light=LIGHT, dark=DARK
    )
