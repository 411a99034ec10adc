"""python -m tools.docs.site: the site of the docs, from docs/, the README and what the code says of itself.

The pages of docs/ stay where code and tests link to them; here they are copied into a folder of their own, beside
pages made from schema, command line and public names, and MkDocs builds them strictly: a link that leads nowhere, an
anchor that is not there and an unknown page in the navigation are errors. The site asks nothing of the network.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from tools.docs.notebook_pages import as_page
from tools.docs.site_pages import reference_pages
from vidsparse.publishing.static_board import write_board

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
BOARD = {"docs/results": "board/index.html"}  # a link to the folder of results leads to the leaderboard of them
KINDS = (".md", ".webp", ".png", ".svg", ".csv", ".json", ".js", ".css")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
_LOADED = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]+"')


def build() -> int:
    """Assemble and build; the exit code."""
    folder, site = ROOT / "build" / "docs", ROOT / "site"
    assemble(folder)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=ROOT, check=False).returncode
    if not done and (found := fetched(site)):
        sys.stderr.write("the site would ask the network for:\n" + "\n".join(found) + "\n")
        return 1
    if not done:
        sys.stdout.write(f"{site}/index.html: open it, from the disk or over HTTP; its search needs no network\n")
    return done


def assemble(folder: Path) -> None:
    """Write every page and picture of the site into the folder, which is made anew; notebooks become pages.

    Beside them stands a leaderboard of every results.json in docs/results.
    """
    shutil.rmtree(folder, ignore_errors=True)
    notebooks = {path.relative_to(ROOT).as_posix(): f"notebooks/{path.stem}.md"
                 for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))}  # fmt: skip
    places = {path.relative_to(ROOT).as_posix(): path.relative_to(ROOT / "docs").as_posix()
              for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in KINDS} | BESIDE | notebooks  # fmt: skip
    for source, place in places.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".md":
            text = (ROOT / source).read_text(encoding="utf-8")
            text = as_page(text, PurePosixPath(source).name, _shown(source)) if source in notebooks else text
            target.write_text(moved(text, source, places | BOARD), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, target)
    write_board(sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/results.json")), folder / "board")
    for place, text in reference_pages().items():
        target = folder / "reference" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _shown(notebook: str) -> dict[str, Any]:
    """What `tools.docs.notebook_outputs` kept of a notebook."""
    path = ROOT / notebook
    found: dict[str, Any] = json.loads((path.parent / "shown" / f"{path.stem}.json").read_text(encoding="utf-8"))
    return found


def moved(text: str, source: str, places: Mapping[str, str]) -> str:
    """The page `source` with its links turned to where `places` puts what they lead to; code files lose theirs.

    >>> moved("[a](docs/a.md#b), [c](pyproject.toml)", "README.md", {"README.md": "index.md", "docs/a.md": "a.md"})
    '[a](a.md#b), c'
    """
    here = PurePosixPath(places[source]).parent.as_posix()

    def turned(match: re.Match[str]) -> str:
        picture, label, target, anchor = match.groups()
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = normpath((PurePosixPath(source).parent / target).as_posix())
        place = places.get(path) or places.get(f"{path}/README.md")
        if place is None:
            return label if (ROOT / path).exists() else match[0]
        return f"{picture}[{label}]({relpath(place, here)}{anchor or ''})"

    return _LINK.sub(turned, text)


def fetched(site: Path) -> list[str]:
    """What pages of the site would load from elsewhere."""
    return [f"{page.relative_to(site)}: {tag}" for page in sorted(site.rglob("*.html"))
            for tag in _LOADED.findall(page.read_text(encoding="utf-8")) if 'rel="canonical"' not in tag]  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(build())
