"""The engine's update against what public programs answer on the same weights, masks and gradients.

data/peers.json holds the arrays and, for each answer, which program at which version gave it: all were made by running
the programs (remake_peers.py runs them again). Where a program differs, the test says in what and by how much.
"""

import json
from dataclasses import replace
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.by_hand import best
from vidsparse.sparsity.distribution import layer_densities
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.methods import METHODS
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.update import Rewired, rewire
from vidsparse.sparsity.update_plan import Plan

STORED = json.loads((Path(__file__).parent / "data" / "peers.json").read_text())
Masks = dict[str, np.ndarray]


def cases(program: str, key: str) -> list[dict[str, Any]]:
    return [case for case in STORED["cases"] if case["program"] == program and key in case]


def bits(text: str, shape: list[int]) -> np.ndarray:
    return np.array([c == "1" for c in text]).reshape(shape)


def numbers(values: list[int], shape: list[int]) -> np.ndarray:
    return np.array(values, np.float32).reshape(shape) / STORED["unit"]


def array(layer: dict[str, Any], shape: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, dense gradient and mask."""
    return numbers(layer["weight"], shape), numbers(layer["gradient"], shape), bits(layer["mask"], shape)


LAYERS = {name: array(layer, STORED["shapes"][name]) for name, layer in STORED["layers"].items()}


def answer(texts: dict[str, str]) -> Masks:
    return {name: bits(text, STORED["shapes"][name]) for name, text in texts.items()}


def candidates(weight: np.ndarray, gradient: np.ndarray, mask: np.ndarray, weight_of_gradient: float) -> Candidates:
    w, g, m = map(torch.from_numpy, (weight, gradient, mask))
    return Candidates(
        w, m, int(m.sum()), g * m, g, None, lambda: torch.zeros_like(w), {"gradient_weight": weight_of_gradient}
    )


def ours(method: str, fraction: float, surplus: int = 0, layers: Any = LAYERS, fan_in: int = 0, **rest: Any) -> Rewired:
    row: Method = replace(METHODS[method], drop_fraction=fraction, decay="constant", **rest)
    given = {name: candidates(*arrays, row.gradient_weight) for name, arrays in layers.items()}
    counts = {name: fan_in * len(arrays[0]) for name, arrays in layers.items()}
    return rewire(given, row, Plan(1, 10, surplus, counts, counts, frozenset()))


def same(found: Any, wanted: Masks) -> bool:
    return all(np.array_equal(found[name].numpy(), mask) for name, mask in wanted.items()) and set(found) == set(wanted)


def rounded_up(fraction: float, counts: list[int]) -> float:
    """A fraction of which each layer's whole part is what `fraction` gives when it is rounded up."""
    up = max(ceil(fraction * n) / n for n in counts) + 1e-9
    assert [floor(up * n) for n in counts] == [ceil(fraction * n) for n in counts]
    return up


@pytest.mark.parametrize("program", ["rigl-torch", "sparsimony"])
def test_rigl_is_that_of_two_packages_of_the_registry(program):
    found = cases(program, "masks")
    assert len(found) == 2
    for case in found:
        assert same(ours("rigl", case["fraction"]).masks, answer(case["masks"]))


@pytest.mark.parametrize("program", ["rigl-torch", "sparsimony"])
def test_the_rule_written_out_in_numpy_gives_the_same(program):
    for case in cases(program, "masks"):
        for name, wanted in answer(case["masks"]).items():
            w, g, m = LAYERS[name]
            keep = int(m.sum()) - floor(case["fraction"] * m.sum())
            kept = best(np.abs(w), keep, m)
            assert np.array_equal(kept | best(np.abs(g), int(m.sum()) - keep, ~kept), wanted)


def test_itop_exchanges_the_same_weights_and_rounds_their_number_up():
    exact, broken = cases("itop", "masks")
    assert same(ours("itop_g", exact["fraction"]).masks, answer(exact["masks"]))
    assert not same(ours("itop_g", broken["fraction"]).masks, answer(broken["masks"]))
    up = rounded_up(broken["fraction"], [int(m.sum()) for _, _, m in LAYERS.values()])
    assert same(ours("itop_g", up).masks, answer(broken["masks"]))


def test_granet_prunes_and_exchanges_the_same_weights_but_keeps_one_fewer_and_rounds_up():
    (case,) = cases("granet", "masks")
    before, left = sum(int(m.sum()) for _, _, m in LAYERS.values()), case["left"]
    asked = floor(96 * (0.2 + 0.3 * (1 - 1 / 8) ** 3))  # from a density of .5 to .2, the first of 8 prunings
    assert sum(left.values()) == asked - 1  # it keeps what is larger than the last one that it means to keep
    up = rounded_up(case["fraction"], list(left.values()))
    assert same(ours("granet_g", up, before - asked + 1).masks, answer(case["masks"]))
    exact = ours("granet_g", case["fraction"], before - asked)
    assert sum(int(mask.sum()) for mask in exact.masks.values()) == asked


@pytest.mark.parametrize("place", [0, 1])
def test_mest_keeps_the_same_weights(place):
    case = cases("mest", "kept")[place]
    found = ours("mest", case["fraction"], gradient_weight=case["gradient_weight"])
    assert same(found.kept, answer(case["kept"]))


def test_the_gradient_changes_what_mest_keeps():
    by_size, with_gradient = (answer(case["kept"]) for case in cases("mest", "kept"))
    assert not same({n: torch.from_numpy(m) for n, m in by_size.items()}, with_gradient)


@pytest.mark.parametrize(("place", "neurons"), [(0, 8), (1, 7)])
def test_srigl_gives_the_same_fan_in_and_ablates_the_same_neuron(place, neurons):
    case = cases("srigl", "mask")[place]
    layer, wanted = array(case["layer"], [8, 6]), bits(case["mask"], [8, 6])
    assert wanted.any(1).sum() == neurons
    found = ours("srigl", case["fraction"], layers={"layer": layer}, fan_in=case["fan_in"])
    assert same(found.masks, {"layer": wanted})


@pytest.mark.parametrize("place", [0, 1])
def test_erk_gives_the_same_densities(place):
    case = cases("granet", "erk")[place]
    shapes = {str(i): tuple(shape) for i, shape in enumerate(case["shapes"])}
    found = layer_densities(shapes, case["density"], "erk")
    np.testing.assert_allclose(list(found.values()), case["erk"], rtol=1e-14)
