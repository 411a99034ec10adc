"""The page about data says what the tables in the code say."""

import re
from pathlib import Path

from vidsparse.data.datasets.protocols import PROTOCOLS
from vidsparse.data.datasets.sources import SOURCES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text()


def test_every_data_set_stands_on_the_page():
    named = {name for row in re.findall(r"^\| (`.*?`) \|", PAGE, flags=re.M) for name in re.findall(r"`(\w+)`", row)}
    assert set(SOURCES) - {"corrupted"} <= named


def test_every_protocol_stands_on_the_page_as_it_is():
    rows = re.findall(r"^\| `(\S+)` \| (\d+) \| (\d+) \| (\w+) \| (.+?) \|$", PAGE, flags=re.M)
    found = {name: (int(views), int(crops), canvas, sampling) for name, views, crops, canvas, sampling in rows}
    assert found == {
        name: (row.views, row.crops, row.canvas, row.sampling or "as in training") for name, row in PROTOCOLS.items()
    }
