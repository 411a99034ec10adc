"""The accounts of a run: what sparsity would save in theory, and what became of the topology; in words and figures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vidsparse.report.figures import charts
from vidsparse.run_dir.record import RunRecord, TensorBytes, TopologyRecord, UpdatesRecord, WholeRecord
from vidsparse.training.cost import operations
from vidsparse.utils.errors import plural

Row = tuple[str, str, str, pd.DataFrame, Callable[[pd.DataFrame], Figure]]  # name, title, caption, table, what draws

DEFINITIONS = (
    (
        "FLOPs",
        "clip = Σ density · 2 · multiply-adds,   step = 3 f_S, or 2 f_S + f_D where gradients are dense",
        "Of products with weights (sparse: f_S, dense: f_D) and of activations; norms, activation functions and pools "
        "are left out. Theoretical: masks are simulated, so that neither time nor memory is saved here.",
        "“Rigging the Lottery”, arXiv 1911.11134, appendix H",
    ),
    (
        "Explored, and present from the start",
        "R_s = |M_0 ∪ … ∪ M_t| / N,   |M_0 ∩ M_t| / |M_t|",
        "Of the masks M over all N weights that may be pruned; layers that are dense count as explored.",
        "“Do We Actually Need Dense Over-Parameterization?”, arXiv 2102.02887",
    ),
    (
        "Dead channel",
        "N[o, ·] = 0 or N[·, i] = 0",
        "An output channel o without incoming weights, an input channel i without outgoing ones: an empty row or "
        "column of the map of non-zeros N. vidsparse.sparsity.compact takes them out.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, section 5.1",
    ),
)


def cost_values(record: RunRecord) -> dict[str, str]:
    """Theoretical FLOPs and memory, sparse beside dense, as {name: value}; what was not counted is left out."""
    said, cost = {}, record.cost
    if cost and cost.sparse is not None:
        said["FLOPs of a clip"] = _of(cost.sparse, cost.dense)
    if cost and cost.training:
        said["FLOPs of the training"] = _of(cost.training, cost.dense_training)
    memory = record.layers.memory if record.layers else None
    held = {"Weights": memory.weights, "Optimizer state": memory.states} if memory else {}
    return said | {name: megabytes(tensors) for name, tensors in held.items() if tensors.dense}


def structure_values(record: WholeRecord) -> dict[str, str]:
    """Exploration, overlap and dead channels, as {name: value}; empty for a run without masks."""
    layers = record.layers
    if layers is None or not record.topology.masked:
        return {}
    return {
        "Weights explored": f"{100 * layers.explored:.1f} %",
        "Present from the start": f"{100 * layers.overlap:.1f} % of the non-zero weights",
        "Dead output channels": f"{layers.dead_outputs:,} of {layers.outputs:,}",
        "Dead input channels": f"{layers.dead_inputs:,} of {layers.inputs:,}",
    }


def megabytes(held: TensorBytes) -> str:
    """Bytes of tensors in three forms.

    >>> megabytes(TensorBytes(dense=102_000_000, bitmask=13_500_000, csr=20_700_000))
    '102.0 MB dense; 13.5 MB as values and a bit mask; 20.7 MB as CSR'
    """
    dense, bitmask, csr = (f"{size / 1e6:.1f} MB" for size in (held.dense, held.bitmask, held.csr))
    if held.bitmask == held.dense:
        return f"{dense} dense"
    forms = f"{bitmask} as values alone" if bitmask == csr else f"{bitmask} as values and a bit mask; {csr} as CSR"
    return f"{dense} dense; {forms}"


def rows(topology: pd.DataFrame | None, layers: pd.DataFrame | None) -> list[Row]:
    """What makes each exhibit that topology.csv and layers.csv have the numbers for."""
    found: list[Row] = []
    if topology is not None and "explored" in topology:
        caption = "Explored: weights that existed at some time. Present from the start: of those that exist now."
        found.append(("exploration", "How far the topology moved", caption, topology, exploration))
    if layers is None or layers["nonzero"].sum() == layers["total"].sum():
        return found
    if "flops_sparse" in layers:
        caption = "Theoretical, one clip forward; grey: with all weights. Products of activations are left out."
        found.append(("layer_flops", "FLOPs of each layer", caption, layers, layer_flops))
    if "dead_outputs" in layers and layers[["dead_outputs", "dead_inputs"]].to_numpy().any():
        caption = "Channels whose incoming (outputs) or outgoing (inputs) weights of this layer are all zero."
        found.append(("dead_channels", "Dead channels of each layer", caption, layers, dead_channels))
    return found


def exploration(table: pd.DataFrame) -> Figure:
    """Shares `explored` and `overlap` over `step`."""
    figure, axes = charts.panel(2.6)
    axes.step(table["step"], table["explored"], where="post", color=charts.BLUE, label="explored")
    there: Any = {"color": charts.ORANGE, "linestyle": "--", "label": "present from the start"}
    axes.step(table["step"], table["overlap"], where="post", **there)
    axes.set(xlabel="optimizer step", ylabel="share of weights", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(charts.PERCENT)
    charts.whole_steps(axes)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def layer_flops(table: pd.DataFrame) -> Figure:
    """Bars of `flops_sparse` over `flops_dense`, one a layer."""
    figure, axes = _layers(table)
    places = np.arange(len(table))
    axes.barh(places, table["flops_dense"] / 1e9, height=0.8, color=charts.LINE, label="all weights")
    axes.barh(places, table["flops_sparse"] / 1e9, height=0.8, color=charts.BLUE, label="as it is")
    axes.set(xlabel="GFLOPs")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def dead_channels(table: pd.DataFrame) -> Figure:
    """Shares of `dead_outputs` and `dead_inputs`, one pair of bars a layer."""
    figure, axes = _layers(table)
    places = np.arange(len(table))
    for offset, kind, colour, hatch in ((-0.2, "outputs", charts.BLUE, ""), (0.2, "inputs", charts.ORANGE, "////")):
        shares = table[f"dead_{kind}"] / table[kind]
        axes.barh(places + offset, shares, height=0.4, color=colour, hatch=hatch, label=kind)
    axes.set(xlabel="share of channels")
    axes.xaxis.set_major_formatter(charts.PERCENT)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def _layers(table: pd.DataFrame) -> tuple[Figure, Any]:
    figure, axes = charts.panel(min(0.9 + 0.24 * max(len(table), 3), 7.5))
    charts.name_layers(axes, table["name"])
    return figure, axes


def _of(part: float, whole: float) -> str:
    if part == whole:
        return operations(whole)
    return f"{operations(part, whole)} of {operations(whole)} ({100 * part / whole:.1f} % of dense)"


def zeros(topology: TopologyRecord) -> str:
    """How many weights are exactly zero: all that is known where somebody else trained them."""
    return f"{topology.total - topology.nonzero:,} of {topology.total:,} weights that could be pruned"


def topology_values(record: WholeRecord) -> dict[str, str]:
    """What the protocol says of a topology, as {name: value}."""
    topology, init = record.topology, record.topology.init
    said = {"Sparsity": f"{100 * topology.sparsity:g} %, {topology.distribution} over layers"}
    if init is not None:
        said["First masks"] = "the largest of the given weights" if init == "magnitude" else "drawn at random"
    said["Non-zero weights"] = f"{topology.nonzero:,} of {topology.total:,}"
    if where := topology.coverage:
        layers = f"{where.masked_layers:,} of {where.layers:,} layers"
        said["Masks"] = f"in {layers}, {100 * where.share:.0f} % of the weights"
    if record.layers and (effective := record.layers.effective) is not None:
        said["Effective sparsity"] = (
            f"{100 * (1 - effective / topology.total):.1f} %: {topology.nonzero - effective:,} present weights are "
            f"below a twentieth of their layer's median"
        )
    said |= _growth_values(record.plan)
    return said | {"Topology updates": _updates(topology), "Topology seed": str(topology.seed)}


def _updates(topology: TopologyRecord) -> str:
    changed = f"{plural(topology.changed, 'connection')} changed"
    if topology.dropped:
        share = 100 * topology.changed / topology.dropped
        changed += f", {share:.0f} % of those dropped; the others grew again at once"
    return f"{topology.updates:,} ({changed})"


def _growth_values(plan: UpdatesRecord | None) -> dict[str, str]:
    """How often the topology changes and what growth by gradient sees; empty where nothing changes."""
    if plan is None:
        return {}
    said = {"Update interval": f"{plan.every or 0:,} optimizer steps, drop fractions add up to {plan.fractions:.1f}"}
    if plan.samples:
        steps = plural(plan.grow_window, "step")
        said["Growth sees"] = f"the mean gradient of {steps}, {plan.samples:,} samples"
    return said
