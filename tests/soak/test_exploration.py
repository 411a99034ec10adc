"""How much of what growth by gradient drops is gone: short trainings of the paper's network on real clips.

The numbers of docs/methods: `nice -n 19 python -m pytest tests/soak/test_exploration.py -s`.
"""

from pathlib import Path

import pytest
import torch
from soak.test_growth import ucf101
from torch.nn import functional as F

from tools.docs.paper_plans import short_run_settings
from vidsparse.models.zoo import create_model
from vidsparse.sparsity.topology import sparsify

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
NETWORK, BATCH, FRAMES, SIDE, EVERY, UPDATES = "slow_r50", 8, 2, 32, 4, 8
METHODS = ("rigl", "granet_g", "mest_g", "set")
pytestmark = pytest.mark.timeout(6 * 3600)


@pytest.mark.parametrize("sparsity", [0.5, 0.1])
@pytest.mark.parametrize("method", METHODS)
def test_less_is_gone_than_was_dropped(method, sparsity, capsys):
    if not (DATA / "ucf101/videos").exists():
        pytest.skip("real data not at hand: ../shared/data/ucf101/videos")
    draw = ucf101()
    torch.manual_seed(0)
    model = create_model(NETWORK, 3, FRAMES, SIDE).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.02, 0.9)
    window = {"grow_window": EVERY} if method != "set" else {}
    settings = short_run_settings(NETWORK, method, sparsity) | {"every": EVERY} | window
    sparse = sparsify(model, optimizer, method, sparsity, EVERY * UPDATES + 1, **settings)
    for _ in range(EVERY * UPDATES + 1):
        clips, labels = draw(BATCH)
        optimizer.zero_grad()
        F.cross_entropy(model(clips[:, :, :FRAMES]), labels).backward()
        optimizer.step()
    sizes, explored = sparse.sizes(), sparse.explored()
    inside = sum(sizes[name] for name in sparse.masked_layers)
    existed = sum(explored[name] * sizes[name] for name in sparse.masked_layers) / inside
    with capsys.disabled():
        print(f"{NETWORK} {method} {sparsity}: {sparse.updates} updates, dropped {sparse.dropped:,}, "
              f"gone {sparse.changed:,} ({sparse.changed / sparse.dropped:.3f}), explored {existed:.3f}")  # fmt: skip
    assert sparse.updates == UPDATES
    assert 0 < sparse.changed < sparse.dropped
