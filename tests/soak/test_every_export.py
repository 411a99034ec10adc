"""Every network that people deploy in every format: the logits of PyTorch for one clip and for three.

14 of these 21 are left out of `make test-all`, which takes one format of each network.
"""

from pathlib import Path

import pytest
from export.test_networks import FORMATS, NETWORKS, ONE_EACH, compare


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_of_a_network_gives_its_logits(name: str, kind: str, tmp_path: Path) -> None:
    if ONE_EACH[name] == kind:
        pytest.skip("tests/export/test_networks.py does this")
    compare(name, kind, tmp_path)
