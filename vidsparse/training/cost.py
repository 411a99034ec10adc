"""The cost of a run: what a clip and the training cost, layers.csv, what memory sparsity would need."""

import csv
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidsparse.config import DataConfig
from vidsparse.run_dir.csv_log import write_csv
from vidsparse.run_dir.record import CostRecord, LayersRecord, MemoryRecord, TensorBytes
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.progress import say, warn

if TYPE_CHECKING:
    from torch import nn

    from vidsparse.sparsity.measure.flops import Flops
    from vidsparse.sparsity.topology import Topology

_SUMS = ("effective", "outputs", "dead_outputs", "inputs", "dead_inputs")  # columns of layers.csv
_UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1, ""))


def count_cost(
    data: DataConfig, batch: int, model: "nn.Module", sparse: "Topology"
) -> "tuple[Flops, CostRecord] | tuple[None, None]":
    """Count and say what a clip and a training in steps of `batch` clips cost by plan.

    (None, None), and the reason said, where a model cannot be counted.
    """
    from vidsparse.sparsity.measure.flops import count_flops
    from vidsparse.sparsity.measure.layer_table import budget_of, forward_flops, training_cost

    if next(model.parameters(), None) is None:
        return None, None  # another runtime carries it out
    try:
        flops = count_flops(model, (1, 3, data.frames, data.size, data.size))
    except ConfigError as error:
        warn(str(error))
        return None, None
    budget = budget_of(sparse)
    forward = forward_flops(flops, budget)
    cost = CostRecord(
        dense=flops.dense,
        other=flops.other,
        start=forward[0],
        batch=batch,
        planned_training=batch * training_cost(flops, budget, forward),
        dense_training=batch * 3.0 * flops.dense * sparse.total_steps,
    )
    say(f"cost       {describe_cost(cost, sparse.method.sparse)}")
    return flops, cost


def describe_cost(cost: CostRecord, sparse: bool) -> str:
    """The planned cost in a few words.

    >>> cost = CostRecord(dense=8.2e10, start=4.1e10, batch=8, planned_training=3e12, dense_training=6e12)
    >>> describe_cost(cost, sparse=True)
    '41 of 82 GFLOPs a clip at the start, 50 % of the FLOPs of dense training (theoretical)'
    """
    whole = f"{operations(cost.dense)} a clip"
    if not sparse:
        return f"{whole} (theoretical)"
    share = cost.planned_training / cost.dense_training if cost.dense_training else 1.0
    training = f"{100 * share:.0f} % of the FLOPs of dense training"
    return f"{operations(cost.start, cost.dense)} of {whole} at the start, {training} (theoretical)"


def operations(number: float, like: float | None = None) -> str:
    """A number of FLOPs with its unit; without one, in the unit of another number, where that is given.

    >>> operations(8.14e10), operations(4.136e7), operations(4.1e9, like=8.14e10)
    ('81.4 GFLOPs', '41.4 MFLOPs', '4.1')
    """
    scale, letter = next(pair for pair in _UNITS if (number if like is None else like) >= pair[0] or pair[0] == 1)
    return f"{number / scale:.3g}" if like is not None else f"{number / scale:.3g} {letter}FLOPs"


def write_layers(run: Path, model: "nn.Module", sparse: "Topology", flops: "Flops | None") -> LayersRecord:
    """Write layers.csv of a finished training into its run folder; returns, and says, what it comes to."""
    from vidsparse.sparsity.measure import layer_table

    rows = layer_table.layer_table(model, sparse, flops)
    if rows:  # a network that another runtime carries out has no weights here
        write_csv(run / "layers.csv", rows)
    weights, states = (TensorBytes(**asdict(held)) for held in layer_table.model_memory(model, sparse))
    sums = {name: sum(row[name] for row in rows) for name in _SUMS}
    found = LayersRecord(
        explored=layer_table.explored(sparse),
        overlap=layer_table.overlap(sparse),
        memory=MemoryRecord(weights=weights, states=states),
        **sums,
    )
    if sparse.method.sparse:
        say(f"topology   {describe_layers(found)}")
    return found


def cost_as_trained(run: Path, cost: CostRecord, sparse: "Topology", flops: "Flops") -> CostRecord:
    """The cost with what a clip and the training came to, by the updates in topology.csv."""
    from vidsparse.sparsity.measure.layer_table import budget_of, training_cost

    training = 0.0
    if sparse.step:  # else there was no training, and no log of it
        with (run / "topology.csv").open(newline="") as file:
            after = {int(row["step"]): float(row["flops"]) for row in csv.DictReader(file)}
        training = training_cost(flops, budget_of(sparse), {0: float(cost.start)} | after)
    return replace(cost, sparse=flops.sparse(sparse.densities()), training=cost.batch * training)


def describe_layers(layers: LayersRecord) -> str:
    """What became of the topology, in a few words: weights explored, present from the start, dead channels."""
    weights = f"{100 * layers.explored:.1f} % of masked weights explored, {100 * layers.overlap:.1f} % of the present"
    return f"{weights} ones are first ones; {layers.dead_outputs:,} of {layers.outputs:,} output channels are dead"
