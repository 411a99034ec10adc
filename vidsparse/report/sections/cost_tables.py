"""The accounts of a run: what sparsity would save in theory, and what became of the topology; in words and figures."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vidsparse.report.figures import charts
from vidsparse.report.tables import Run
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


def cost_facts(info: Mapping[str, Any]) -> dict[str, str]:
    """Theoretical FLOPs and memory, sparse beside dense, as (name, value); what run.json does not have is left out."""
    flops, memory = info.get("flops", {}), info.get("accounts", {}).get("memory", {})
    facts = {}
    if "sparse" in flops:
        facts["FLOPs of a clip"] = _of(flops["sparse"], flops["dense"])
    if flops.get("training"):
        facts["FLOPs of the training"] = _of(flops["training"], flops["dense_training"])
    for kind, held in memory.items():
        if held["dense"]:
            name = {"weights": "Weights", "states": "Optimizer state"}[kind]
            facts[name] = megabytes(held)
    return facts


def structure_facts(info: Mapping[str, Any]) -> dict[str, str]:
    """Exploration, overlap and dead channels, as (name, value); empty for a run without masks."""
    facts = info.get("accounts", {})
    if not facts or info["sparse"]["nonzero"] == info["sparse"]["total"]:
        return {}
    return {
        "Weights explored": f"{100 * facts['explored']:.1f} %",
        "Present from the start": f"{100 * facts['overlap']:.1f} % of the non-zero weights",
        "Dead output channels": f"{facts['dead_outputs']:,} of {facts['outputs']:,}",
        "Dead input channels": f"{facts['dead_inputs']:,} of {facts['inputs']:,}",
    }


def megabytes(held: Mapping[str, float]) -> str:
    """Bytes of tensors in three forms.

    >>> megabytes({"dense": 102e6, "bitmask": 13.5e6, "csr": 20.7e6})
    '102.0 MB dense; 13.5 MB as values and a bit mask; 20.7 MB as CSR'
    """
    dense, bitmask, csr = (f"{held[key] / 1e6:.1f} MB" for key in ("dense", "bitmask", "csr"))
    if held["bitmask"] == held["dense"]:
        return f"{dense} dense"
    forms = f"{bitmask} as values alone" if bitmask == csr else f"{bitmask} as values and a bit mask; {csr} as CSR"
    return f"{dense} dense; {forms}"


def rows(run: Run) -> list[Row]:
    """What makes each exhibit that the run has the numbers for."""
    found: list[Row] = []
    if run.topology is not None and "explored" in run.topology:
        caption = "Explored: weights that existed at some time. Present from the start: of those that exist now."
        found.append(("exploration", "How far the topology moved", caption, run.topology, exploration))
    layers = run.layers
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


def zeros(sparse: Mapping[str, Any]) -> str:
    """How many weights are exactly zero: all that is known where somebody else trained them."""
    return f"{sparse['total'] - sparse['nonzero']:,} of {sparse['total']:,} weights that could be pruned"


def sparse_facts(sparse: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, str]:
    """What the protocol says of a topology; `info` is that of run.json, of any version."""
    first = "the largest of the given weights" if sparse.get("init") == "magnitude" else "drawn at random"
    facts = {
        "Sparsity": f"{100 * sparse['sparsity']:g} %, {sparse['distribution']} over layers",
        **({"First masks": first} if "init" in sparse else {}),
        "Non-zero weights": f"{sparse['nonzero']:,} of {sparse['total']:,}",
    }
    if "masked_layers" in sparse:
        share = 100 * sparse["masked_weights"] / sparse["weights"]
        layers = f"{sparse['masked_layers']:,} of {sparse['layers']:,} layers"
        facts["Masks"] = f"in {layers}, {share:.0f} % of the weights"
    if (effective := info.get("accounts", {}).get("effective")) is not None:
        facts["Effective sparsity"] = (
            f"{100 * (1 - effective / sparse['total']):.1f} %: {sparse['nonzero'] - effective:,} present weights are "
            f"below a twentieth of their layer's median"
        )
    changed = f"{sparse['changed']:,} connections changed"
    if sparse.get("dropped"):
        share = 100 * sparse["changed"] / sparse["dropped"]
        changed += f", {share:.0f} % of those dropped; the others grew again at once"
    facts |= _growth_facts(info.get("topology", {}))
    return facts | {"Topology updates": f"{sparse['updates']:,} ({changed})", "Topology seed": str(sparse["seed"])}


def _growth_facts(plan: Mapping[str, Any]) -> dict[str, str]:
    """How often the topology changes and what growth by gradient sees; empty where nothing changes."""
    if not plan:
        return {}
    facts = {"Update interval": f"{plan['every']:,} optimizer steps, drop fractions add up to {plan['fractions']:.1f}"}
    if plan["samples"]:
        steps = plural(plan["grow_window"], "step")
        facts["Growth sees"] = f"the mean gradient of {steps}, {plan['samples']:,} samples"
    return facts
