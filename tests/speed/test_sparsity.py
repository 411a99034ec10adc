"""What sparse training costs, printed and never judged: `make bench`.

Ratios are medians of paired rounds: each round runs every loop once, in one process on one thread, and is compared
with its own dense step. Processor time, so that what else the machine does counts little. Goals: a masked step at most
1.08 of a dense one on timm's resnet18 (64 px, batch 4) and 1.03 on r3d_18 (8 x 112 px); an update at most 0.1 of two
full sorts of the same weights; on a GPU 1.02.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from speed.sparse_peers import PEERS, install
from speed.timing import interleaved, seconds
from vidsparse.models.zoo import create_model
from vidsparse.sparsity.masking import mask_
from vidsparse.sparsity.topology import Topology, sparsify

NEVER = 10**9
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def peers(tmp_path_factory) -> str | None:
    """Why the peers cannot be had; None where they can."""
    return install(tmp_path_factory.mktemp("peers"))


class Loop:
    """A model, a batch and SGD with momentum; `step` is one training step."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        torch.manual_seed(0)
        if name == "resnet18":
            import timm

            self.model, shape = timm.create_model("resnet18", num_classes=1000), (4, 3, 64, 64)
        elif name.startswith("vit_tiny"):
            import timm

            self.model = timm.create_model("vit_tiny_patch16_224", num_classes=1000, img_size=64)
            shape = (4, 3, 64, 64)
        elif name == "cifar_resnet20":
            self.model, shape = create_model(name, 16), (16, 3, 1, 32, 32)
        else:
            from torchvision.models.video import r3d_18

            self.model, shape = r3d_18(num_classes=101), (2, 3, 8, 112, 112)
        self.model: nn.Module = self.model.to(device)
        self.inputs = torch.randn(shape, device=device)
        self.labels = torch.arange(len(self.inputs), device=device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9)
        if name.startswith("vit_tiny"):
            fused = name.endswith("fused")
            self.optimizer = torch.optim.AdamW(self.model.parameters(), 1e-3, weight_decay=0.05, fused=fused)
        self.make_step: Callable[[], object] = self.optimizer.step

    def forward_backward(self) -> None:
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(self.inputs), self.labels).backward()

    def step(self) -> None:
        self.forward_backward()
        self.make_step()


def ours(
    name: str, method: str, device: str = "cpu", every: int = NEVER, total: int = 10 * NEVER
) -> tuple[Loop, Topology]:
    loop = Loop(name, device)
    changes = {} if method in ("dense", "static") else {"every": every}
    return loop, sparsify(loop.model, loop.optimizer, method, 0.9, total, **changes)


def timed_updates(sparse: Topology) -> list[float]:
    """Processor seconds of each update from now on."""
    times: list[float] = []
    update = sparse._update
    sparse._update = lambda: times.append(spent(update))
    return times


def spent(call: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    began = process_time()
    call()
    return process_time() - began


def on_device(call: Callable[[], object]) -> float:
    """Seconds of twenty calls on a GPU, until they are done."""

    def all_of_them() -> None:
        for _ in range(20):
            call()
        torch.cuda.synchronize()

    return seconds(all_of_them)


def report(name: str, times: dict[str, list[float]], capsys) -> None:
    with capsys.disabled():
        print(f"\n{name}: a dense step takes {1000 * median(times['dense']):.1f} ms")
        for loop, each in times.items():
            ratios = sorted(mine / dense for mine, dense in zip(each, times["dense"], strict=True))
            quarter = len(ratios) // 4
            print(f"  {loop:12} {median(ratios):.3f} of it ({ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f})")


def test_a_masked_step_of_resnet18_over_a_dense_one(peers, capsys):
    steps = {method: ours("resnet18", method)[0].step for method in ("dense", "static", "rigl", "snfs")}
    if peers is None:
        for peer, wrapper in PEERS.items():
            loop = Loop("resnet18")
            loop.make_step = wrapper(loop.model, loop.optimizer, NEVER).step
            steps[peer] = loop.step
    report("resnet18", interleaved(steps, 40, spent), capsys)
    with capsys.disabled():
        print(f"  {peers}" if peers else "")


def test_a_masked_step_of_r3d_18_over_a_dense_one(capsys):
    steps = {method: ours("r3d_18", method)[0].step for method in ("dense", "static", "rigl")}
    report("r3d_18", interleaved(steps, 10, spent), capsys)


def test_a_step_of_vit_tiny_under_fused_adamw_and_the_other(capsys):
    """Whole steps and the optimizer's alone; AdamW without fusing divides by the square roots of absent weights too."""
    steps, alone = {}, {}
    for name in ("vit_tiny", "vit_tiny fused"):
        for method in ("dense", "static", "rigl"):
            loop, _ = ours(name, method)
            steps[key := method + name.removeprefix("vit_tiny")] = loop.step
            loop.step()
            alone[key] = loop.optimizer.step
    report("vit_tiny", interleaved(steps, 40, spent), capsys)
    report("vit_tiny, the optimizer alone", interleaved(alone, 40, spent), capsys)


@pytest.mark.parametrize("name", ["vit_tiny", "vit_tiny fused"])
def test_what_a_masked_step_does_beside_a_dense_one(name, capsys):
    """Its parts alone: masking all gradients (cold here, warm within a backward pass), states, looks at the weights."""
    dense, (loop, sparse) = Loop(name), ours(name, "static")
    for each in (dense, loop):
        each.step()
    layers = list(sparse._layers.values())

    def masked() -> None:
        for layer in layers:
            mask_(layer.weight.grad, layer.mask)

    parts = {"dense": dense.step, "masked": loop.step, "gradients": masked, "lifting": sparse._lifted.before_step,
             "the end": sparse._after_step, "looking": sparse._guard.before_forward}  # fmt: skip
    report(name, interleaved(parts, 24, spent), capsys)


@pytest.mark.parametrize(("name", "rounds"), [("cifar_resnet20", 60), ("r3d_18", 8)])
def test_a_step_that_gathers_gradients_for_growth_over_another(name, rounds, capsys):
    """Of one run every step belongs to a window, which begins behind the last update; the other has none."""
    steps = {}
    for window in (1, 1000):
        loop = Loop(name)
        sparsify(loop.model, loop.optimizer, "rigl", 0.5, 100_000, every=1000, grow_window=window)
        steps[window] = loop.step
    times = interleaved(steps, rounds, spent)
    ratios = sorted(mine / other for mine, other in zip(times[1000], times[1], strict=True))
    quarter = len(ratios) // 4
    with capsys.disabled():
        print(f"\n{name}, RigL .5: a step takes {1000 * median(times[1]):.0f} ms, one of a window "
              f"{median(ratios):.3f} of it ({ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f})")  # fmt: skip


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny fused"])
@pytest.mark.parametrize("method", ["rigl", "set", "mest", "granet_g", "srigl", "snfs"])
def test_an_update_over_two_full_sorts(name, method, capsys):
    """Those of all layers' weights by magnitude, and of as many gradients; GraNet prunes at each of these updates."""
    loop, sparse = ours(name, method, every=2, total=60)
    weights = [layer.weight.detach() for layer in sparse._layers.values()]
    gradients = [torch.randn_like(weight) for weight in weights]
    updates, sorts = timed_updates(sparse), []
    while len(updates) < 7:
        loop.step()
        if len(sorts) < len(updates):
            sorts.append(spent(lambda: [each.abs().flatten().sort() for each in (*weights, *gradients)]))
    updates, sorts = updates[1:], sorts[1:]
    with capsys.disabled():
        print(f"\n{name}, {method}: an update takes {1000 * median(updates):.0f} ms, "
              f"{median(u / s for u, s in zip(updates, sorts, strict=True)):.3f} of two full sorts")  # fmt: skip


@pytest.mark.parametrize("peer", PEERS)
def test_an_update_of_a_peer(peer, peers, capsys):
    if peers:
        pytest.skip(peers)
    loop, (mine, sparse) = Loop("resnet18"), ours("resnet18", "rigl", every=2)
    update = PEERS[peer](loop.model, loop.optimizer, 2).update
    theirs, here = [], timed_updates(sparse)
    while len(here) < 4:
        make = update()
        loop.step()
        make = update()
        loop.forward_backward()
        theirs.append(spent(make))
        mine.step()
        mine.step()
    with capsys.disabled():
        print(
            f"\nresnet18: an update of {peer} takes {1000 * median(theirs):.0f} ms, ours {1000 * median(here):.0f} ms"
        )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["resnet18", "r3d_18"])
def test_a_masked_step_over_a_dense_one_on_a_gpu(name, capsys):
    steps = {method: ours(name, method, "cuda")[0].step for method in ("dense", "static", "rigl")}
    report(f"{name} on {torch.cuda.get_device_name()}", interleaved(steps, 20, on_device), capsys)


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Callable[..., Any]:
    """`sparsify` of another commit, BEFORE=<commit>, beside the one of this tree."""
    commit, folder = os.environ.get("BEFORE"), tmp_path_factory.mktemp("before")
    if not commit:
        pytest.skip("say which: BEFORE=<commit>")
    archive = subprocess.run(["git", "archive", commit, "vidsparse"], check=True, capture_output=True, cwd=ROOT)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    ours_now = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "vidsparse"}
    sys.path.insert(0, str(folder))
    try:
        found = import_module("vidsparse.sparsity.topology").sparsify
    finally:
        sys.path.remove(str(folder))
    theirs = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "vidsparse"}
    sys.modules.update(ours_now)

    def call(*args: Any, **settings: Any) -> Any:
        sys.modules.update(theirs)  # what is imported while it works is its own
        try:
            return found(*args, **settings)
        finally:
            sys.modules.update(ours_now)

    return call


def made(attach: Callable[..., Any], name: str, method: str, every: int, total: int) -> tuple[Loop, Any]:
    loop = Loop(name)
    return loop, attach(
        loop.model, loop.optimizer, method, 0.9, total, **({} if method == "static" else {"every": every})
    )


@pytest.mark.parametrize(
    ("name", "rounds"), [("resnet18", 40), ("r3d_18", 8), ("vit_tiny", 24), ("vit_tiny fused", 24)]
)
def test_a_step_before_and_after(name, rounds, before, capsys):
    steps = {"dense": Loop(name).step}
    for method in ("static", "rigl"):
        for when, attach in (("before", before), ("after", sparsify)):
            steps[f"{method} {when}"] = made(attach, name, method, NEVER, 10 * NEVER)[0].step
    report(name, interleaved(steps, rounds, spent), capsys)


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny fused"])
@pytest.mark.parametrize("method", ["rigl", "set", "granet_g"])
def test_an_update_before_and_after(name, method, before, capsys):
    pairs = {when: made(attach, name, method, 2, 60) for when, attach in (("before", before), ("after", sparsify))}
    times = {when: timed_updates(sparse) for when, (_, sparse) in pairs.items()}
    while len(times["after"]) < 9:
        for loop, _ in pairs.values():
            loop.step()
    old, new = (median(times[when][1:]) for when in ("before", "after"))
    with capsys.disabled():
        print(f"\n{name}, {method}: an update took {1000 * old:.0f} ms and takes {1000 * new:.0f} ms, {new / old:.3f}")
