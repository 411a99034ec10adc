"""The page about data says what the tables in the code say."""

import re
from pathlib import Path

import pytest

from tools.docs.data_table import with_table
from vidsparse.data.datasets.protocols import PROTOCOLS
from vidsparse.data.datasets.source_table import SOURCES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text()


def test_the_table_of_data_sets_is_not_stale():
    assert with_table(PAGE) == PAGE, "run python scripts/docs.py"
    assert re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE.split("## Prepare")[0], flags=re.M) == list(SOURCES)


def test_a_page_without_a_place_for_it_is_named():
    with pytest.raises(ValueError, match=r"docs/data\.md"):
        with_table(PAGE.replace("<!-- end -->", ""))


def test_every_protocol_stands_on_the_page_as_it_is():
    rows = re.findall(r"^\| `(\S+)` \| (\d+) \| (\d+) \| (\w+) \| (.+?) \|$", PAGE, flags=re.M)
    found = {name: (int(views), int(crops), canvas, sampling) for name, views, crops, canvas, sampling in rows}
    assert found == {
        name: (row.views, row.crops, row.canvas, row.sampling or "as in training") for name, row in PROTOCOLS.items()
    }
