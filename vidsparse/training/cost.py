"""The accounts of a run: what a clip and the training cost, layers.csv, what memory sparsity would need."""

import csv
from dataclasses import asdict
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.runfolder import Facts, RunFolder, write_csv
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.progress import say, warn

if TYPE_CHECKING:
    from torch import nn

    from vidsparse.sparsity.measure.flops import Flops
    from vidsparse.sparsity.topology import Topology

_UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1, ""))


def count_cost(config: Config, model: "nn.Module", sparse: "Topology", folder: RunFolder) -> "Flops | None":
    """Count, say and store what a clip and the training cost by plan; None, said, where a model cannot be counted."""
    from vidsparse.sparsity.measure.flops import count_flops
    from vidsparse.sparsity.measure.layer_table import budget_of, forward_flops, training_cost

    data = config.data
    try:
        flops = count_flops(model, (1, 3, data.frames, data.size, data.size))
    except ConfigError as error:
        warn(str(error))
        return None
    budget = budget_of(sparse)
    forward = forward_flops(flops, budget)
    batch = min(config.training.batch_size, folder.facts["data"]["n_train"])
    clip = {"dense": flops.dense, "other": flops.other, "start": forward[0], "batch": batch}
    training = batch * training_cost(flops, budget, forward)
    dense_training = batch * 3.0 * flops.dense * sparse.total_steps
    folder.update(flops=clip | {"planned_training": training, "dense_training": dense_training})
    say(f"cost       {describe_cost(folder.facts['flops'], sparse.method.sparse)}")
    return flops


def describe_cost(flops: Facts, sparse: bool) -> str:
    """The planned cost in a few words.

    >>> planned = {"planned_training": 3e12, "dense_training": 6e12}
    >>> describe_cost({"dense": 8.2e10, "start": 4.1e10, **planned}, sparse=True)
    '41 of 82 GFLOPs a clip at the start, 50 % of the FLOPs of dense training (theoretical)'
    """
    whole = f"{operations(flops['dense'])} a clip"
    if not sparse:
        return f"{whole} (theoretical)"
    share = flops["planned_training"] / flops["dense_training"] if flops["dense_training"] else 1.0
    training = f"{100 * share:.0f} % of the FLOPs of dense training"
    return f"{operations(flops['start'], flops['dense'])} of {whole} at the start, {training} (theoretical)"


def operations(number: float, like: float | None = None) -> str:
    """A number of FLOPs with its unit; without one, in the unit of another number, where that is given.

    >>> operations(8.14e10), operations(4.136e7), operations(4.1e9, like=8.14e10)
    ('81.4 GFLOPs', '41.4 MFLOPs', '4.1')
    """
    scale, letter = next(pair for pair in _UNITS if (number if like is None else like) >= pair[0] or pair[0] == 1)
    return f"{number / scale:.3g}" if like is not None else f"{number / scale:.3g} {letter}FLOPs"


def write_accounts(model: "nn.Module", sparse: "Topology", flops: "Flops | None", folder: RunFolder) -> None:
    """Write layers.csv and the accounts of the finished training into run.json, and say them."""
    from vidsparse.sparsity.measure import layer_table

    rows = layer_table.layer_table(model, sparse, flops)
    write_csv(folder.path / "layers.csv", rows)
    weights, states = layer_table.model_memory(model, sparse)
    facts = {
        "explored": layer_table.explored(sparse),
        "overlap": layer_table.overlap(sparse),
        "memory": {"weights": asdict(weights), "states": asdict(states)},
        **{
            key: sum(row[key] for row in rows)
            for key in ("effective", "outputs", "dead_outputs", "inputs", "dead_inputs")
        },
    }
    folder.update(accounts=facts)
    if flops is not None:
        present = flops.sparse(sparse.densities())
        training = (
            layer_table.training_cost(flops, layer_table.budget_of(sparse), _forward(folder)) if sparse.step else 0.0
        )
        cost = folder.facts["flops"]
        folder.update(flops=cost | {"sparse": present, "training": cost["batch"] * training})
    if sparse.method.sparse:
        say(f"topology   {describe_accounts(facts)}")


def describe_accounts(facts: Facts) -> str:
    """What became of the topology, in a few words.

    >>> describe_accounts({"explored": 0.713, "overlap": 0.42, "outputs": 960, "dead_outputs": 12})
    '71.3 % of masked weights explored, 42.0 % of the present ones are first ones; 12 of 960 output channels are dead'
    """
    weights = (
        f"{100 * facts['explored']:.1f} % of masked weights explored, {100 * facts['overlap']:.1f} % of the present"
    )
    return f"{weights} ones are first ones; {facts['dead_outputs']:,} of {facts['outputs']:,} output channels are dead"


def _forward(folder: RunFolder) -> dict[int, float]:
    """{step: FLOPs of a forward pass after it} as the training went."""
    forward = {0: float(folder.facts["flops"]["start"])}
    with (folder.path / "topology.csv").open(newline="") as file:
        return forward | {int(row["step"]): float(row["flops"]) for row in csv.DictReader(file)}
