"""One process of several: `python ranks.py JOB,JOB RANK WORLD FOLDER`. Jobs train, and leave what they ended with."""

import sys
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import distributed, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

WITHOUT_STATISTICS = ("set", "rigl", "mest", "mest_g", "granet_g", "itop_r", "snfs", "srigl", "gmp")


def small_model() -> nn.Module:
    """No batch statistics: the mean of the gradients of two halves is the gradient of the whole batch."""
    return nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Flatten(), nn.Linear(576, 12), nn.Linear(12, 4)
    ).double()


def clips(step: int, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.randn(size, 3, 2, 6, 6, generator=generator).double(), torch.randint(4, (size,), generator=generator)


def train_small(method: str, rank: int = 0, world: int = 1, parts: int = 1, wrap_first: bool = False):
    """Nine steps on this process's share of each batch; the processes differ in every seed that they are given."""
    from vidsparse.sparsity.topology import sparsify

    torch.manual_seed(rank)
    model = small_model()
    wrapped: nn.Module = DistributedDataParallel(model) if wrap_first and world > 1 else model
    opt = torch.optim.SGD(wrapped.parameters(), 0.05, momentum=0.9)
    sparse = sparsify(wrapped, opt, method, 0.7, 12, seed=rank, every=2)
    if world > 1 and not wrap_first:
        wrapped = DistributedDataParallel(model)
    torch.manual_seed(100 + rank)
    for step in range(9):
        opt.zero_grad()
        x, y = (value[rank::world] for value in clips(step, 12))
        for number, (part_x, part_y) in enumerate(zip(x.chunk(parts), y.chunk(parts), strict=True), start=1):
            with wrapped.no_sync() if world > 1 and number < parts else nullcontext():
                (F.cross_entropy(wrapped(part_x), part_y) / parts).backward()
        opt.step()
    return model, sparse


def job_small(rank: int, world: int) -> dict:
    """Every method; then a layer that only process 0 uses, and processes whose weights have come apart."""
    found = {}
    for number, method in enumerate(WITHOUT_STATISTICS):
        model, sparse = train_small(method, rank, world, wrap_first=bool(number % 2))
        found[method] = (sparse.masks, model.state_dict(), sparse.updates)
    model, sparse = train_small("rigl", rank, world, parts=2)
    found["accumulated"] = (sparse.masks, model.state_dict(), sparse.updates)
    return found | {"lopsided": _lopsided(rank), "apart": _apart(rank)}


def _lopsided(rank: int):
    from vidsparse.sparsity.topology import sparsify

    torch.manual_seed(0)
    model = nn.ModuleDict({"both": nn.Linear(6, 6), "first": nn.Linear(6, 6)})
    opt = torch.optim.SGD(model.parameters(), 0.1)
    sparse = sparsify(model, opt, "rigl", 0.5, 10, every=1)
    for _ in range(4):
        opt.zero_grad()
        out = model["both"](torch.randn(3, 6))
        (out.sum() + (model["first"](torch.randn(3, 6)).sum() if rank == 0 else 0)).backward()
        opt.step()
    return sparse.masks, {}, sparse.updates


def _apart(rank: int):
    from vidsparse.sparsity.topology import sparsify

    torch.manual_seed(rank)
    model = nn.Linear(20, 20)
    opt = torch.optim.SGD(model.parameters(), 0.1)
    sparse = sparsify(model, opt, "set", 0.5, 10, seed=rank, every=1)
    for _ in range(3):
        opt.zero_grad()
        model(torch.randn(3, 20)).square().sum().backward()
        opt.step()
    return sparse.masks, {}, sparse.updates


def train_r3d(rank: int = 0, world: int = 1):
    """Three RigL updates of r3d_18 in 32 bit, its batch-norm statistics frozen.

    The steps are small: without statistics a step of 0.01 blows up the last bits of a sum to choices of 0.6 %.
    """
    from torchvision.models.video import r3d_18

    from vidsparse.sparsity.topology import sparsify

    torch.manual_seed(0)
    model = r3d_18(num_classes=4)
    wrapped: nn.Module = DistributedDataParallel(model) if world > 1 else model
    opt = torch.optim.SGD(model.parameters(), 0.001, momentum=0.9)
    sparse = sparsify(wrapped, opt, "rigl", 0.9, 100, seed=rank, every=1)
    model.eval()
    for step in range(3):
        opt.zero_grad()
        generator = torch.Generator().manual_seed(step)
        x, y = torch.randn(4, 3, 4, 32, 32, generator=generator), torch.tensor([0, 1, 2, 3])
        F.cross_entropy(wrapped(x[rank::world]), y[rank::world]).backward()
        opt.step()
    return model, sparse


def job_r3d(rank: int, world: int) -> dict:
    return {"r3d_18": train_r3d(rank, world)[1].masks}


def job_fsdp(rank: int, world: int) -> dict:
    """What is said to a sharded model; torch's older way needs a GPU to be tried."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    from vidsparse.sparsity.topology import sparsify
    from vidsparse.utils.errors import ConfigError

    mesh = init_device_mesh("cpu", (world,))
    model = nn.Sequential(fully_shard(nn.Linear(8, 8), mesh=mesh), nn.Linear(8, 8))
    try:
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1))
    except ConfigError as error:
        return {"sharded": str(error)}
    return {"sharded": "nothing"}


if __name__ == "__main__":
    from vidsparse.utils import torchvision_compat

    torchvision_compat.install()
    jobs, rank, world, folder = sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    torch.save({job: globals()[f"job_{job}"](rank, world) for job in jobs}, folder / f"{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()
