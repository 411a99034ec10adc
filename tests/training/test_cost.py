"""What a run records of its cost: numbers that agree with each other, and with those of a run that was not killed."""

import pandas as pd
import pytest

from vidsparse.experiment import run
from vidsparse.run_dir.record import read_whole
from vidsparse.sparsity.measure.flops import training_flops
from vidsparse.training import cost


@pytest.fixture
def granet(tiny_config):
    """A run whose density falls, so that each update changes what a clip costs."""
    return tiny_config(
        "sparse.method=granet_g", "sparse.sparsity=0.6", "training.epochs=2", "evaluation.severities=[2]"
    )


@pytest.mark.slow
def test_the_accounts_of_a_run_agree(granet, capsys):
    folder = run(granet)
    record, layers = read_whole(folder), pd.read_csv(folder / "layers.csv")
    topology, flops, found = pd.read_csv(folder / "topology.csv"), record.cost, record.layers
    assert layers["nonzero"].sum() == layers["planned"].sum() == record.topology.nonzero
    assert layers["flops_dense"].sum() + flops.other == flops.dense
    assert layers["flops_sparse"].sum() + flops.other == pytest.approx(flops.sparse)
    assert topology["flops"].iloc[-1] == pytest.approx(flops.sparse, rel=1e-5)
    assert flops.dense > flops.start > topology["flops"].iloc[0] > flops.sparse
    assert topology["explored"].is_monotonic_increasing
    assert topology["explored"].iloc[-1] == pytest.approx(found.explored, rel=1e-5)
    assert topology["overlap"].iloc[-1] == pytest.approx(found.overlap, rel=1e-5)
    assert found.dead_outputs == layers["dead_outputs"].sum()
    memory = found.memory
    assert memory.weights.bitmask < memory.weights.csr < memory.weights.dense
    assert memory.states.dense == memory.weights.dense  # one momentum a weight
    total = 2 * (12 // 4)
    forward = {0: flops.start, **dict(zip(topology["step"], topology["flops"], strict=True))}
    steps = range(1, round(0.75 * total))
    assert list(topology["step"]) == list(steps)
    assert flops.training == pytest.approx(4 * training_flops(flops.dense, forward, total, steps), rel=1e-5)
    assert flops.dense_training == 4 * 3 * total * flops.dense
    assert flops.planned_training == pytest.approx(flops.training, rel=0.2)
    said = " ".join(capsys.readouterr().out.split())
    assert "% of the FLOPs of dense training (theoretical)" in said
    assert f"{100 * found.explored:.1f} % of masked weights explored" in said
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Cost, theoretical" in page


@pytest.mark.slow
def test_a_network_that_cannot_be_counted_is_trained_all_the_same(granet, monkeypatch, capsys):
    from vidsparse.utils.errors import ConfigError

    def refuse(model, example):
        raise ConfigError("the FLOPs of this network cannot be counted without values")

    monkeypatch.setattr("vidsparse.sparsity.measure.flops.count_flops", refuse)
    folder = run(granet)
    record = read_whole(folder)
    assert record.finished
    assert record.cost is None
    assert record.layers is not None
    assert "flops_dense" not in pd.read_csv(folder / "layers.csv")
    assert "cannot be counted" in capsys.readouterr().out


@pytest.mark.slow
def test_costs_of_weights_as_given(tiny_config):
    folder = run(
        tiny_config(
            "sparse.method=dense", "training.epochs=0", "evaluation.severities=[2]", "evaluation.corruptions=[freeze]"
        )
    )
    record = read_whole(folder)
    assert record.cost.training == record.cost.dense_training == 0
    assert record.cost.sparse == record.cost.dense > 0
    assert cost.describe_cost(record.cost, sparse=False).endswith("a clip (theoretical)")
