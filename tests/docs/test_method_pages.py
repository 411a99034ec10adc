"""The pages in docs/methods are those of METHODS, and say what it knows."""

import re
from pathlib import Path

import pytest

from tools.docs.method_notes import COMMON_ORIGINS, LEFT_OUT, NOTES
from tools.docs.method_pages import INDEX, STEPS, method_index, method_page, method_pages, shares, write_method_pages
from vidsparse.sparsity.methods import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "methods"


@pytest.mark.slow
def test_the_stored_pages_are_not_stale():
    stored = {file.name: file.read_text() for file in DOCS.iterdir()}
    stale = [name for name, text in method_pages().items() if stored.pop(name, None) != text]
    assert (stale, list(stored)) == ([], []), "run python scripts/docs.py"


def test_every_method_has_a_note_and_every_setting_an_origin():
    assert list(NOTES) == [name for name in NOTES if name in METHODS]
    assert set(NOTES) == set(METHODS)
    for name, row in METHODS.items():
        assert set(NOTES[name].origins) <= set(row.settings), name
        assert set(row.settings) <= {*NOTES[name].origins, *COMMON_ORIGINS}, name
    assert not {name.lower() for name in LEFT_OUT} & set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_page_says_what_the_row_knows(name):
    row, text = METHODS[name], method_page(METHODS[name], NOTES[name])
    assert row.title in text
    assert row.source in text
    assert NOTES[name].equation in text
    shown = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$", text, re.M))
    assert shown == {key: f"{v:g}" if type(v) in (int, float) else str(v).lower() for key, v in row.settings.items()}
    assert all(f"- {sentence}\n" in text for sentence in (*NOTES[name].from_paper, *NOTES[name].from_code))


@pytest.mark.slow
def test_the_index_shows_every_method_and_what_is_left_out():
    text = method_index()
    assert re.findall(r"^\| \[(\w+)\]\((\w+)\.md\)", text, re.M) == [(name, name) for name in METHODS]
    assert all(f"**{name}**" in text for name in LEFT_OUT)
    assert "Top-KAST" in LEFT_OUT


@pytest.mark.slow
def test_no_row_of_a_table_has_a_cell_too_many():
    for name, text in method_pages().items():
        for block in re.findall(r"(?:^\|.*\|\n)+", text, re.M):
            assert len({line.count("|") for line in block.splitlines()}) == 1, name


def test_costs_follow_from_the_methods():
    at = {name: shares(row, 0.9) for name, row in METHODS.items() if row.sparse}
    inference, training = at["static"]
    assert inference == pytest.approx(training)
    assert at["set"] == at["itop_r"] == pytest.approx((inference, training))
    updates = len(METHODS["rigl"].update_steps(STEPS))
    assert at["rigl"][1] == pytest.approx(training + updates / STEPS * (1 - inference) / 3)
    assert at["snfs"][1] == pytest.approx((2 * inference + 1) / 3, rel=1e-2)
    assert at["static"][1] < at["mest_r"][1] < at["granet_r"][1] < at["granet_dense"][1]
    assert all(share[0] == pytest.approx(inference, rel=0.01) for share in at.values())
    assert shares(METHODS["dense"], 0.9) == (1.0, 1.0)
    assert shares(METHODS["static"], 0.5, "uniform")[1] == pytest.approx(0.5, abs=0.001)


def test_writing_replaces_what_is_stale(tmp_path):
    (tmp_path / "gone.md").write_text("old")
    write_method_pages(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {INDEX, *(f"{name}.md" for name in METHODS)}
