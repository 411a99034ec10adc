"""Networks that people deploy in the formats that `make test-all` leaves out: it takes one of each network."""

from pathlib import Path

import pytest
from export.test_networks import FORMATS, NETWORKS, ONE_EACH, compare

OTHERS = [(name, kind) for name in NETWORKS for kind in FORMATS if ONE_EACH[name] != kind]


@pytest.mark.parametrize(("name", "kind"), OTHERS)
def test_the_file_of_a_network_gives_its_logits(name: str, kind: str, tmp_path: Path) -> None:
    compare(name, kind, tmp_path)
