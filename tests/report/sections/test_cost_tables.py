"""A page shows what was counted, labelled as theoretical; a run that recorded no cost has a page all the same."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vidsparse.report.figures import charts
from vidsparse.report.page import write_report
from vidsparse.report.sections import cost_tables
from vidsparse.report.tables import load_run
from vidsparse.run_dir.record import TopologyRecord, UpdatesRecord


@pytest.mark.slow
def test_a_sparse_run_shows_its_theoretical_cost(published):
    run, _, page = published
    facts = cost_tables.cost_values(load_run(run).record)
    assert facts["FLOPs of a clip"] == "20.1 of 40.7 GFLOPs (49.4 % of dense)"
    assert facts["FLOPs of the training"] == "51 of 100 TFLOPs (51.0 % of dense)"
    assert facts["Weights"] == "132.7 MB dense; 70.5 MB as values and a bit mask; 132.7 MB as CSR"
    assert facts["Optimizer state"] == "132.7 MB dense; 66.4 MB as values alone"
    assert all(text in page for text in (*facts, *facts.values(), "Cost, theoretical", "masks are simulated"))


def test_it_shows_what_became_of_the_topology(published):
    run, _, page = published
    facts = cost_tables.structure_values(load_run(run).record)
    assert facts == {
        "Weights explored": "71.3 %",
        "Present from the start": "42.0 % of the non-zero weights",
        "Dead output channels": "17 of 4,800",
        "Dead input channels": "3 of 4,500",
    }
    assert all(text in page for text in facts)
    for name in ("exploration", "layer_flops", "dead_channels"):
        assert (run / "figures" / f"{name}.png").stat().st_size > 5000
        assert (run / "tables" / f"{name}.csv").is_file()


def test_a_dense_run_has_a_cost_and_no_structure(published):
    dense = load_run(published[1])
    assert cost_tables.cost_values(dense.record)["FLOPs of a clip"] == "40.7 GFLOPs"
    assert cost_tables.structure_values(dense.record) == {}
    assert cost_tables.rows(dense.topology, dense.layers) == []


@pytest.mark.slow
def test_a_run_made_before_accounts_were_kept_has_its_page(fake_run):
    run = fake_run()
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({key: info[key] for key in info if key not in ("flops", "accounts")}))
    for name, columns in (("topology", 4), ("layers", 5)):
        table = pd.read_csv(run / f"{name}.csv")
        table.iloc[:, :columns].to_csv(run / f"{name}.csv", index=False)
    page = write_report(run).read_text(encoding="utf-8")
    assert "Cost, theoretical" not in page
    assert not (run / "figures" / "exploration.png").exists()


@pytest.mark.parametrize("name", ["layer_flops", "dead_channels"])
def test_bars_are_those_of_the_table(published, name):
    run = load_run(published[0])
    table = run.layers
    with charts.style():
        axes = getattr(cost_tables, name)(table).axes[0]
    widths = [[bar.get_width() for bar in group] for group in axes.containers]
    expected = {
        "layer_flops": [table["flops_dense"] / 1e9, table["flops_sparse"] / 1e9],
        "dead_channels": [table["dead_outputs"] / table["outputs"], table["dead_inputs"] / table["inputs"]],
    }[name]
    np.testing.assert_allclose(widths, expected)


def test_the_protocol_says_where_masks_are_what_is_effective_and_what_changed_net(published):
    record = load_run(published[0]).record
    topology = TopologyRecord(
        method="rigl",
        sparsity=0.1,
        distribution="erk",
        seed=0,
        updates=49,
        changed=250,
        dropped=1000,
        nonzero=900,
        total=1000,
        layers=54,
        masked_layers=3,
        masked_weights=220,
        weights=1000,
    )
    plan = UpdatesRecord(every=1192, updates=49, fractions=4.9, samples=4096, grow_window=256)
    layers = replace(record.layers, effective=800)
    said = cost_tables.topology_values(replace(record, topology=topology, plan=plan, layers=layers))
    assert said["Masks"] == "in 3 of 54 layers, 22 % of the weights"
    assert said["Effective sparsity"].startswith("20.0 %: 100 present weights")
    assert "25 % of those dropped" in said["Topology updates"]
    assert said["Growth sees"] == "the mean gradient of 256 steps, 4,096 samples"
    assert "1,192 optimizer steps" in said["Update interval"]
    before = replace(topology, layers=None, masked_layers=None, masked_weights=None, weights=None, dropped=None)
    old = cost_tables.topology_values(replace(record, topology=before, layers=None))
    assert set(old) == {"Sparsity", "Non-zero weights", "Topology updates", "Topology seed"}
