"""Runs the public programs on small arrays and writes what they answer to data/peers.json; no test, run by hand:

    pip install --no-deps rigl-torch==0.5.2 sparsimony==0.1.0          # into an environment with torch
    python tests/sparsity/remake_peers.py FOLDER                       # of git clones, at the commits named in COMMITS

FOLDER/granet, /itop, /mest and /srigl are clones; they want a GPU for nothing but `.cuda()`, which is made to do
nothing here. Nothing of them is kept but numbers.
"""

import contextlib
import importlib
import io
import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vidsparse.utils import torchvision_compat

COMMITS = {
    "granet": "github.com/VITA-Group/GraNet f338a2479758ba35660c3d64422ee9c83abb02a5",
    "itop": "github.com/Shiweiliuiiiiiii/In-Time-Over-Parameterization 1b6a89e6a467c8fc09f5c9571927ca5ad7c7ef00",
    "mest": "github.com/boone891214/MEST a4280265512564928c322fb078c33fe5b76ca87c",
    "srigl": "github.com/calgaryml/condensed-sparsity 3052bb8bd708918576df4e6e66f273e37c960b24",
    "rigl-torch": "rigl-torch 0.5.2 (PyPI)",
    "sparsimony": "sparsimony 0.1.0 (PyPI)",
}
SHAPES, NONZERO, UNIT = {"conv": (4, 3, 2, 2), "linear": (6, 8)}, {"conv": 24, "linear": 20}, 128
Layers = dict[str, dict[str, Tensor]]


def layers(seed: int) -> Layers:
    """Weights and gradients of 96 different sizes, so that no two are equal; multiples of 1/128, so exact in text."""
    rng = np.random.default_rng(seed)
    drawn = [iter(rng.permutation(96) + 1) for _ in range(2)]
    made: Layers = {}
    for name, shape in SHAPES.items():
        size = int(np.prod(shape))
        weight, gradient = (
            torch.tensor([next(d) * rng.choice([-1, 1]) / UNIT for _ in range(size)]).float().view(shape) for d in drawn
        )
        mask = torch.zeros(size, dtype=torch.bool)
        mask[torch.from_numpy(rng.permutation(size)[: NONZERO[name]])] = True
        made[name] = {"weight": weight * mask.view(shape), "gradient": gradient, "mask": mask.view(shape)}
    return made


def model_of(given: Layers, first: bool = False) -> nn.Module:
    """The layers as a module; with a dense one before them for a program that never masks the first."""
    net = nn.ModuleDict({"before": nn.Linear(2, 2, bias=False)} if first else {})
    net.update({"conv": nn.Conv2d(3, 4, 2, bias=False), "linear": nn.Linear(8, 6, bias=False)})
    for name, layer in given.items():
        net[name].weight.data.copy_(layer["weight"])
        net[name].weight.grad = layer["gradient"].clone()
    return net


def rigl_torch(given: Layers, fraction: float) -> dict[str, Tensor]:
    from rigl_torch.RigL import RigLScheduler

    net = model_of(given, first=True)
    made = RigLScheduler(net, torch.optim.SGD(net.parameters(), 0.1), 0.5, T_end=10, ignore_linear_layers=False)
    for name, layer in given.items():
        net[name].weight.data.copy_(layer["weight"])
    made.backward_masks = [None, *[layer["mask"].clone() for layer in given.values()]]
    for hook, layer in zip(made.backward_hook_objects[1:], given.values(), strict=True):
        hook.dense_grad = layer["gradient"].clone()
    made.cosine_annealing = lambda: fraction
    made._rigl_step()
    return dict(zip(given, made.backward_masks[1:], strict=True))


def sparsimony(given: Layers, fraction: float) -> dict[str, Tensor]:
    from sparsimony.pruners.unstructured import UnstructuredGradientGrower, UnstructuredMagnitudePruner

    masks = {}
    for name, layer in given.items():
        mask = layer["mask"].float()
        pruned = UnstructuredMagnitudePruner.calculate_mask(fraction, mask.clone(), layer["weight"])
        sparsity = 1 - NONZERO[name] / mask.numel()
        masks[name] = UnstructuredGradientGrower.calculate_mask(sparsity, pruned, layer["gradient"]).bool()
    return masks


def masking(folder: Path, part: str, given: Layers, **state: Any) -> Any:
    """The `Masking` of GraNet or ITOP around the layers, at the moment of an update."""
    sys.path.insert(0, str(folder / part))
    for name in [n for n in sys.modules if n.startswith("sparselearning")]:
        del sys.modules[name]
    core = importlib.import_module("sparselearning.core")
    sys.path.pop(0)
    made, net = object.__new__(core.Masking), model_of(given)
    masks = {f"{name}.weight": layer["mask"].float() for name, layer in given.items()}
    blank = {"name2nonzeros": {}, "name2zeros": {}, "num_remove": {}, "pruning_rate": {}}
    made.__dict__.update(modules=[net], masks=masks, optimizer=torch.optim.SGD(net.parameters(), 0.1), **blank, **state)
    return made


def updated(made: Any) -> dict[str, Tensor]:
    made.truncate_weights()
    return {name.removesuffix(".weight"): mask.bool() for name, mask in made.masks.items()}


def itop(folder: Path, given: Layers, fraction: float) -> dict[str, Tensor]:
    return updated(masking(folder, "", given, death_mode="magnitude", growth_mode="gradient", death_rate=fraction))


def granet(folder: Path, given: Layers, fraction: float) -> tuple[dict[str, Tensor], dict[str, int]]:
    """One pruning over all layers, then the exchange; also how many weights pruning left each layer."""
    args = SimpleNamespace(init_density=0.5, final_density=0.2, init_prune_epoch=0, final_prune_epoch=8, multiplier=1)
    made = masking(folder, "CIFAR", given, args=args, loader=[None], prune_every_k_steps=1, prune_rate=fraction)
    made.pruning(1)
    left = {name.removesuffix(".weight"): int(mask.sum()) for name, mask in made.masks.items()}
    return updated(made), left


def mest(folder: Path, given: Layers, fraction: float, weight_of_gradient: float) -> dict[str, Tensor]:
    """What mutation keeps; growth is random."""
    sys.path.insert(0, str(folder))
    code = importlib.import_module("prune_utils.utils_pr")
    sys.path.pop(0)
    args, kept = SimpleNamespace(sp_admm_sparsity_type="irregular", sp_lmd=weight_of_gradient), {}
    for name, layer in given.items():
        weight = nn.Parameter(layer["weight"])
        weight.grad = layer["gradient"] * layer["mask"]
        keep = NONZERO[name] - int(fraction * NONZERO[name])
        kept[name] = code.weight_pruning(args, None, name, weight, 1 - keep / weight.numel())[0].bool()
    return kept


def srigl(folder: Path, layer: dict[str, Tensor], fraction: float, fan_in: int) -> Tensor:
    """One layer of neurons with `fan_in` weights each; γ = 0.3 of the fan-in."""
    for name in [n for n in sys.modules if n.startswith("rigl_torch")]:
        del sys.modules[name]
    sys.modules["wandb"] = ModuleType("wandb")
    sys.path.insert(0, str(folder / "src"))
    rule = importlib.import_module("rigl_torch.rigl_constant_fan").RigLConstFanScheduler
    fan_in_after = importlib.import_module("rigl_torch.utils.rigl_utils").get_fan_in_after_ablation
    sys.path.pop(0)
    ours = SimpleNamespace(dynamic_ablation=True, min_salient_weights_per_neuron=0.3, _min_sal_per_layer=[])
    ours.use_sparse_const_fan_in_for_ablation = True
    ours._logger = SimpleNamespace(error=print, warning=print)
    weight, drop, grow = layer["weight"], layer["weight"].abs(), layer["gradient"].abs()
    ones = int(layer["mask"].sum())
    pruned, sparsity = int(ones * fraction), 1 - ones / weight.numel()
    gone = rule._get_neurons_to_ablate(
        ours, drop, grow, ones - pruned, pruned, sparsity, layer["mask"], weight, ones, "layer"
    )
    new = fan_in_after(weight, len(gone), sparsity)
    kept = rule._get_drop_mask(ours, drop.clone(), ones - pruned, gone, new)
    return kept | rule._get_grow_mask(ours, grow, kept, new, gone)


def neurons(seed: int, weak: int | None) -> dict[str, Tensor]:
    """8 neurons with 3 of 6 weights; those of neuron `weak` are the smallest, and so are its gradients."""
    rng = np.random.default_rng(seed)
    weight, gradient = (
        torch.tensor((rng.permutation(48) + 49) * rng.choice([-1, 1], 48) / UNIT).float().view(8, 6) for _ in range(2)
    )
    if weak is not None:
        weight[weak] = torch.arange(1, 7) / UNIT
        gradient[weak] = torch.arange(7, 13) / UNIT
    mask = torch.stack([torch.from_numpy(rng.permutation(6) < 3) for _ in range(8)])
    return {"weight": weight * mask, "gradient": gradient, "mask": mask}


def erk(folder: Path, shapes: list[list[int]], density: float) -> list[float]:
    """The densities that GraNet prints when it starts with ERK."""
    given = {str(i): {"mask": torch.zeros(shape)} for i, shape in enumerate(shapes)}
    args = SimpleNamespace(method="GraNet")
    empty = {name: {"weight": torch.zeros(s), "gradient": torch.zeros(s)} for name, s in SHAPES.items()}
    made = masking(folder, "CIFAR", empty | {n: layer | {"mask": torch.zeros(SHAPES[n])} for n, layer in empty.items()})
    made.masks = {name: layer["mask"] for name, layer in given.items()}
    made.__dict__.update(args=args, sparse_init="ERK", total_params=0, modules=[])
    with contextlib.redirect_stdout(said := io.StringIO()):
        made.init(density=density)
    return [float(text) for text in re.findall(r"density: ([\d.e-]+)", said.getvalue())]


def as_text(value: Any) -> Any:
    """Masks as 0 and 1 in a string, numbers in units of 1/128."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if not isinstance(value, Tensor):
        return value
    flat = value.flatten()
    return (
        "".join("01"[bit] for bit in flat.int().tolist()) if value.dtype == torch.bool else (flat * UNIT).int().tolist()
    )


def main(folder: Path) -> None:
    """Write data/peers.json beside this file."""
    torchvision_compat.install()
    torch.Tensor.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
    given, silent = layers(0), io.StringIO()
    cases = []
    with contextlib.redirect_stdout(silent):
        for fraction in (0.25, 0.3):
            for name, rule in (("rigl-torch", rigl_torch), ("sparsimony", sparsimony)):
                cases.append({"program": name, "fraction": fraction, "masks": rule(given, fraction)})
            cases.append({"program": "itop", "fraction": fraction, "masks": itop(folder / "itop", given, fraction)})
        masks, left = granet(folder / "granet", given, 0.5)
        cases.append({"program": "granet", "fraction": 0.5, "masks": masks, "left": left})
        for lam in (0.0, 0.5):
            kept = mest(folder / "mest", given, 0.25, lam)
            cases.append({"program": "mest", "fraction": 0.25, "gradient_weight": lam, "kept": kept})
        for seed, weak in ((0, None), (1, 5)):
            layer = neurons(seed, weak)
            mask = srigl(folder / "srigl", layer, 0.25, 3)
            cases.append({"program": "srigl", "fraction": 0.25, "fan_in": 3, "layer": layer, "mask": mask})
        shapes = [[8, 3, 3, 3], [16, 8, 3, 3], [32, 16, 1, 1], [10, 32]]
        for density in (0.1, 0.5):
            found = erk(folder / "granet", shapes, density)
            cases.append({"program": "granet", "shapes": shapes, "density": density, "erk": found})
    written = {"programs": COMMITS, "unit": UNIT, "shapes": SHAPES, "layers": given, "cases": cases}
    text = json.dumps(as_text(written) | {"cases": [as_text(case) for case in cases]}, separators=(",", ":"))
    target = Path(__file__).parent / "data" / "peers.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text.replace(',"', ',\n"') + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
