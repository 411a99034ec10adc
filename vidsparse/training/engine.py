"""The only module that knows Lightning Fabric: devices, precision, processes, checkpoints."""

import os
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from vidsparse.config import EngineConfig
from vidsparse.utils import failures, files
from vidsparse.utils.crew import crew
from vidsparse.utils.errors import ConfigError, first_line
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import warn

_PATIENCE = timedelta(days=7)  # others wait while the first one writes or analyses; a dead one is noticed at once
_PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


class Engine:
    """Where an experiment runs: one device or several, at a precision, as one process of `world`."""

    def __init__(self, config: EngineConfig) -> None:
        """Start the processes; ConfigError where the device asked for is not there or cannot compute so."""
        cuda = torch.cuda.is_available()
        if config.accelerator == "cuda" and not cuda:
            raise ConfigError("engine.accelerator=cuda, but torch sees no GPU here; use auto or cpu")
        devices = 1 if config.devices == "auto" else config.devices
        self.on_gpu = cuda and config.accelerator != "cpu"
        self.precision = self._choose_precision(config)
        assert devices == 1 or "LOCAL_RANK" in os.environ, "several processes are started by launch.together"
        launched = crew()
        machines = launched.machines if launched else 1
        if self.on_gpu and devices // machines > torch.cuda.device_count():
            raise ConfigError(f"engine.devices={devices}: torch sees {torch.cuda.device_count()} GPUs here")
        self._fabric = Fabric(
            accelerator="cuda" if self.on_gpu else "cpu",
            devices=devices // machines,
            num_nodes=machines,
            strategy=DDPStrategy(timeout=_PATIENCE) if devices > 1 else "auto",
            plugins=LightningEnvironment(),  # it would take SLURM's variables of a whole job for its own otherwise
            precision=_PRECISION[self.precision],  # type: ignore[arg-type]  # Fabric spells the choices out
        )
        self._fabric.launch()
        # What processes ask each other goes over the CPU, where nobody waits for a GPU.
        self._group = dist.new_group(backend="gloo", timeout=_PATIENCE) if devices > 1 else None
        if devices > 1 and not self.on_gpu:
            torch.set_num_threads(max(1, cores() * machines // devices))
        self._config = config
        if config.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        return self._fabric.device

    @property
    def rank(self) -> int:
        """The number of this process, 0 for the one that writes."""
        return self._fabric.global_rank

    @property
    def world(self) -> int:
        """How many processes work together."""
        return self._fabric.world_size

    @property
    def workers(self) -> int:
        """Loader processes: as configured; auto leaves one core to a GPU's feeder and none where cores are few."""
        if self._config.workers != "auto":
            return self._config.workers
        return loader_workers(self.on_gpu) // self.world

    def place(self, model: nn.Module) -> nn.Module:
        """Move a model here, kernels in the memory layout that is fastest; ConfigError if it cannot be trained so."""
        if self.precision == "bf16" and not self.on_gpu and any(isinstance(m, nn.Conv3d) for m in model.modules()):
            check_bf16_conv3d()
        model = model.to(self.device)
        for weight in model.parameters() if self._config.channels_last else ():
            if weight.dim() == 5:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
        return model

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """The model and optimizer to train with: mixed precision, gradient scaling, gradients shared over processes."""
        compiled: Any = torch.compile(model) if self._config.compile else model
        wrapped, stepper = self._fabric.setup(compiled, optimizer, move_to_device=False)
        return wrapped, stepper

    def autocast(self) -> AbstractContextManager[None]:
        """The precision of forward passes outside training; every process works on its own."""
        return self._fabric.autocast()

    def scaler_state(self) -> dict[str, Any]:
        """State of the gradient scaler; empty where the precision needs none."""
        return self._fabric.strategy.precision.state_dict()

    def load_scaler_state(self, state: dict[str, Any]) -> None:
        """Continue with a gradient scaler as it was."""
        self._fabric.strategy.precision.load_state_dict(state)

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss, scaled as the precision needs."""
        self._fabric.backward(loss)

    def waiting(self, model: Any, more: bool) -> AbstractContextManager[None]:
        """No exchange of gradients while `more` micro-batches follow."""
        return self._fabric.no_backward_sync(model, enabled=more and self.world > 1)

    def clip(self, model: Any, optimizer: Any, norm: float) -> None:
        """Scale gradients so that their total norm is at most `norm`."""
        self._fabric.clip_gradients(model, optimizer, max_norm=norm, error_if_nonfinite=False)

    def barrier(self) -> None:
        """Wait for the other processes."""
        self._fabric.barrier()

    def any(self, flag: bool) -> bool:
        """Whether it is so in any of the processes; all of them must ask."""
        return self.sum(float(flag))[0] > 0

    def sum(self, *numbers: float) -> list[float]:
        """Each number's sum over the processes; all of them must ask."""
        values = torch.tensor(numbers, dtype=torch.float64)
        if self.world > 1:
            dist.all_reduce(values, group=self._group)
        return values.tolist()

    def union(self, numbers: Collection[int]) -> list[int]:
        """All the numbers that any process has, sorted; all of them must ask."""
        found: list[Any] = [None] * self.world
        if self.world == 1:
            return sorted(numbers)
        dist.all_gather_object(found, list(numbers), group=self._group)
        return sorted(set().union(*found))

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The body first in process 0, then in the others."""
        if self.rank > 0:
            self.barrier()
        yield
        if self.rank == 0:
            self.barrier()

    def _choose_precision(self, config: EngineConfig) -> str:
        if config.precision == "16" and not self.on_gpu:
            raise ConfigError("engine.precision=16 needs a GPU; the CPU computes in 32 or bf16")
        if config.precision != "auto":
            return config.precision
        if not self.on_gpu:
            return "32"
        return "bf16" if torch.cuda.is_bf16_supported() else "16"


def loader_workers(on_gpu: bool) -> int:
    """Loader processes of one machine where nobody says how many."""
    return min(8, cores() - 1) if on_gpu else max(0, min(4, cores() // 2 - 1))


def check_bf16_conv3d() -> None:
    """Raise ConfigError where this build of torch computes wrong weight gradients of 3D convolutions in bf16.

    In torch 2.13.0 on the CPU they are wrong, often infinite, where the input is two frames deep (kernel 3,
    padding 1), while loss and activations look sane. Three shapes are compared with 32 bit.
    """
    for channels in (8, 32, 64):
        generator = torch.Generator().manual_seed(channels)
        inputs = torch.randn(2, channels, 2, 7, 7, generator=generator)
        gradients = []
        for dtype in (torch.float32, torch.bfloat16):
            conv = nn.Conv3d(channels, channels, 3, padding=1, bias=False, dtype=dtype)
            with torch.no_grad():
                conv.weight.copy_(torch.randn(conv.weight.shape, generator=generator.manual_seed(1)) / channels)
            conv(inputs.to(dtype)).float().square().mean().backward()
            assert conv.weight.grad is not None
            gradients.append(conv.weight.grad.float())
        off = (gradients[1] - gradients[0]).norm() / gradients[0].norm()
        if not off < 0.05:
            raise ConfigError(
                "engine.precision=bf16: this build of torch computes wrong weight gradients of 3D convolutions in bf16 "
                "on the CPU; use 32"
            )


class Checkpoints:
    """The last two checkpoints of a training, each a folder `step-00000042` of weights and state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: int, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write atomically: weights as safetensors, the rest by torch.save; older ones than the last two go."""
        with files.replacing(self.folder / f"step-{step:08d}") as temporary:
            temporary.mkdir()
            save_weights(temporary / "model.safetensors", weights, sealed=False)
            torch.save(dict(state), temporary / "state.pt")
            (temporary / "sha256").write_text(_digests(temporary))
        self.prune()

    def prune(self) -> None:
        """Remove all but the last two; a kill between a save and this leaves one too many."""
        for old in self._steps()[:-2]:
            files.remove(old)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """(weights, state) of the newest checkpoint that is whole, on the CPU; None where there is none.

        One that is not is said and put aside as `unreadable-...`, and the one before is taken.
        """
        for folder in reversed(self._steps()):
            try:
                if not _holds(folder):
                    raise ValueError("its checksums are wrong")
                weights = load_file(folder / "model.safetensors")
                return weights, torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
            except Exception as error:  # whatever a damaged file makes its reader say
                failures.check(error, folder)
                warn(f"{folder} cannot be read ({_why(error)}); going on from the one before, if any")
                files.remove(folder.with_name(f"unreadable-{folder.name}"))
                folder.rename(folder.with_name(f"unreadable-{folder.name}"))
        return None

    def newest(self) -> Path | None:
        """The folder of the newest checkpoint."""
        return next(reversed(self._steps()), None)

    def _steps(self) -> list[Path]:
        found = self.folder.glob("step-*") if self.folder.is_dir() else ()
        return sorted(path for path in found if re.fullmatch(r"step-\d{8}", path.name))


def _why(error: Exception) -> str:
    """The first line of an error; never torch's advice to open the file with a reader that runs what is in it."""
    first = first_line(error)
    return "its state.pt is no state of a training" if "eights only" in first or "weights_only" in first else first


_PARTS = ("model.safetensors", "state.pt")  # of a checkpoint


def _holds(folder: Path) -> bool:
    """Whether a checkpoint is what its digests say; those of before had CRC-32."""
    if (folder / "sha256").exists():
        return (folder / "sha256").read_text() == _digests(folder)
    crcs = (f"{zlib.crc32((folder / name).read_bytes()):08x}" for name in _PARTS)
    return (folder / "crc32").read_text() == " ".join(crcs)


def _digests(folder: Path) -> str:
    """SHA-256 of a checkpoint's two files, as sha256sum writes them."""
    return "".join(f"{files.digest(folder / name)}  {name}\n" for name in _PARTS)


def save_weights(path: Path, weights: Mapping[str, Tensor], sealed: bool = True) -> None:
    """A safetensors file with its digest beside it, atomically; tensors in ordinary memory layout on the CPU."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    metadata: dict[str, str] | None = {} if tensors else None  # safetensors cannot read {} beside no tensors
    files.save(path, lambda temporary: save_file(tensors, temporary, metadata), sealed)
