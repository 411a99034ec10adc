"""The site: pages that its navigation names are made, config keys can be found, links that leave docs are turned."""

from pathlib import Path

import pytest
import yaml

from tools.docs.site import ROOT, assemble, fetched, moved
from tools.docs.site_pages import config_pages, example
from vidsparse.config.reference import keys


def pages_of(part: object) -> list[str]:
    if isinstance(part, str):
        return [part]
    values = part.values() if isinstance(part, dict) else part
    return [page for each in values for page in pages_of(each)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assemble(folder)
    return folder


def test_every_page_of_the_navigation_is_made_and_every_page_of_docs_is_in_reach(folder: Path) -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    named = set(pages_of(settings["nav"]))
    assert {page for page in named if not (folder / page).is_file()} == set()
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= named
    assert {f"reference/{page}" for page in config_pages()} <= named


def test_every_config_key_has_a_heading_with_an_example_of_it(folder: Path) -> None:
    text = "\n".join(path.read_text() for path in (folder / "reference" / "config").glob("*.md"))
    for key in keys():
        assert f"\n## {key.name}\n" in text
        assert example(key).strip("'").startswith(f"{key.name}=")


def test_the_command_line_page_holds_every_option_and_no_machine(folder: Path) -> None:
    text = (folder / "reference" / "command-line.md").read_text()
    for said in ("--dry-run", "--print-config", "--temporal", "## generate", "stage=plan|write|verify|repair"):
        assert said in text
    assert str(ROOT) not in text


def test_links_follow_their_pages_and_code_loses_its() -> None:
    places = {"README.md": "index.md", "docs/data.md": "data.md", "docs/methods/README.md": "methods/README.md"}
    assert moved("[r](../README.md#x) [m](methods)", "docs/data.md", places) == "[r](index.md#x) [m](methods/README.md)"
    assert moved("[up](../data.md)", "docs/methods/README.md", places) == "[up](../data.md)"
    assert moved("[code](../Makefile)", "docs/data.md", places) == "code"
    assert moved("[gone](none.md) [web](https://a.b/c.md)", "docs/data.md", places).count("](") == 2, (
        "for MkDocs to refuse"
    )


def test_a_page_that_asks_the_network_is_found(tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text('<link href="a.css"><a href="https://x.y">out</a><script src="b.js"></script>')
    assert fetched(tmp_path) == []
    (tmp_path / "bad.html").write_text('<link rel="stylesheet" href="https://fonts.example/css">')
    assert len(fetched(tmp_path)) == 1


def test_the_results_stand_on_a_leaderboard_that_their_page_links(folder: Path) -> None:
    assert "[one leaderboard](board/index.html)" in (folder / "results.md").read_text()
    board = (folder / "board" / "index.html").read_text()
    for said in (
        "three classes of UCF101",
        "CIFAR-10",
        "RigL, 50 %",
        "temporal independent",
        "code of 23 November 2026",
    ):
        assert said in board
