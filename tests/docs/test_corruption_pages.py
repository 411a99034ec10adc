"""The pages in docs/corruptions are those of the registry, and say what it knows."""

import re
from pathlib import Path

import pytest
from PIL import Image

from corruptions.registry import REGISTRY
from corruptions.severities import TABLES
from corruptions.suites import SUITES
from tools.docs.corruption_pages import COST, GALLERY, INDEX, Costs, page, pages, read_costs, table, write_pages
from tools.docs.formulas import formula
from tools.docs.level_accuracy import Left, read_left

DOCS = Path(__file__).resolve().parents[2] / "docs" / "corruptions"
NONE = Left()
SOME = Costs("2026-01-02", "a machine", {"fog": {"112": 2.5, "224": 31.4}}, {"decode H.264": {"112": 5, "224": 10}})


@pytest.mark.slow
def test_the_stored_pages_are_not_stale():
    stored = {file.name: file.read_text() for file in DOCS.glob("*.md")}
    stale = [
        name for name, text in pages(read_costs(DOCS), read_left(DOCS.parent)).items() if stored.pop(name, None) != text
    ]
    assert (stale, list(stored)) == ([], []), "run python scripts/docs.py"


def test_every_page_has_its_picture_and_the_folder_stays_small():
    assert {file.stem for file in DOCS.glob("*.webp")} == set(REGISTRY)
    assert sum(file.stat().st_size for file in DOCS.iterdir()) < 3e6
    for file in DOCS.glob("*.webp"):
        with Image.open(file) as picture:
            assert picture.width == 6 * 128 + 5 * 2


@pytest.mark.parametrize("name", REGISTRY)
def test_a_page_says_what_the_registry_knows(name):
    record, text = REGISTRY[name], page(REGISTRY[name], SOME, NONE)
    assert formula(record).equation in text
    assert record.source in text
    assert all(f"- {note}" in text for note in record.notes)
    for profile in record.tables:
        levels = re.search(rf"^\| {profile} \(\d+ px\) \| (.+) \|$", text, re.M)
        assert levels, profile
        shown = [tuple(map(float, level.split(", "))) for level in levels[1].split(" | ")]
        assert shown == [pytest.approx(level, rel=1e-4) for level in TABLES[profile, name]]
    modes = re.findall(r"^- (static|drift|independent):", text, re.M)
    assert modes == (list(record.modes) if len(record.modes) > 1 else [])
    assert {suite for suite in SUITES if f"{suite}." in text or f"{suite}, " in text} >= {
        suite.name for suite in SUITES.values() if name in dict(suite.cells)
    }


def test_costs_stand_beside_decoding_with_their_date():
    text = page(REGISTRY["fog"], SOME, NONE)
    assert "| 112 px | 2.50 | 0.50 |" in text
    assert "| 224 px | 31 | 3.14 |" in text
    assert "a machine, 2026-01-02" in text
    assert "Not measured yet" in page(REGISTRY["snow"], SOME, NONE)


def test_what_a_level_leaves_stands_beside_its_psnr_with_its_interval():
    left = Left(21, 17, (0.8, 0.55, 0.92), {"fog": dict.fromkeys(range(1, 6), (0.5, 0.25, 0.75))})
    text = page(REGISTRY["fog"], SOME, left)
    assert "21 clips of 17 recordings" in text
    assert "without corruption 80 (55 to 92)" in text
    assert f"| {' | '.join(['50 (25 to 75)'] * 5)} |" in text
    assert "I3D" not in page(REGISTRY["snow"], SOME, left)


def test_no_costs_are_no_error(tmp_path):
    assert read_costs(tmp_path) == Costs()
    assert "not measured yet" in pages(Costs(), NONE)[INDEX]


def test_the_index_links_to_every_page():
    linked = re.findall(r"\[(\w+)\]\((\w+)\.md\)", pages(SOME, NONE)[INDEX])
    assert linked == [(name, name) for name in REGISTRY]


def test_the_gallery_has_every_picture_once_with_the_words_it_is_found_by():
    text = pages(SOME, NONE)[GALLERY]
    assert re.findall(r"\]\((\w+)\.webp\)\{ loading=lazy \}\]\((\w+)\.md\)", text) == [
        (name, name) for name in REGISTRY
    ]
    words = dict(re.findall(r'data-words="(\w+) ([^"]+)"', text))
    assert {"weather", "video_c", "imagenet_c_15"} <= set(words["fog"].split())


def test_no_row_of_a_table_has_a_cell_too_many():
    for name, text in pages(SOME, NONE).items():
        for block in re.findall(r"(?:^\|.*\|\n)+", text, re.M):
            assert len({line.count("|") for line in block.splitlines()}) == 1, name


def test_table():
    assert table(("a", "b"), [("1", "2"), ("3", "4")]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"


def test_writing_replaces_what_is_stale_and_leaves_the_rest(tmp_path, monkeypatch):
    few = {"fog": REGISTRY["fog"], "freeze": REGISTRY["freeze"]}
    monkeypatch.setattr("tools.docs.corruption_pages.REGISTRY", few)
    for old in ("gone.md", "gone.webp", "mine.txt", COST, "fog.md"):
        (tmp_path / old).write_text("{}")
    write_pages(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        INDEX, COST, "fog.md", "fog.webp", "freeze.md", "freeze.webp", GALLERY, "mine.txt"
    ]  # fmt: skip
    assert (tmp_path / "fog.md").read_text() == page(few["fog"], Costs(), NONE)
