"""The only module that knows Lightning Fabric: devices, precision, processes, checkpoints."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from vidsparse import files
from vidsparse.config import EngineConfig
from vidsparse.errors import ConfigError
from vidsparse.machine import cores

_PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


class Engine:
    """Where an experiment runs: one device or several, at a precision, as one process of `world`."""

    def __init__(self, config: EngineConfig) -> None:
        """Start the processes; ConfigError where the device asked for is not there or cannot compute so."""
        cuda = torch.cuda.is_available()
        if config.accelerator == "cuda" and not cuda:
            raise ConfigError("engine.accelerator=cuda, but torch sees no GPU here; use auto or cpu")
        self.on_gpu = cuda and config.accelerator != "cpu"
        self.precision = self._choose_precision(config)
        devices = 1 if config.devices == "auto" else config.devices
        self._fabric = Fabric(
            accelerator="cuda" if self.on_gpu else "cpu",
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            precision=_PRECISION[self.precision],  # type: ignore[arg-type]  # Fabric spells the choices out
        )
        self._fabric.launch()
        self._workers = config.workers
        self.channels_last = config.channels_last

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
        if self._workers != "auto":
            return self._workers
        return min(8, cores() - 1) // self.world if self.on_gpu else max(0, min(4, cores() // 2 - 1))

    def place(self, model: nn.Module) -> nn.Module:
        """Move a model here, kernels in the memory layout that is fastest."""
        model = model.to(self.device)
        if self.channels_last:
            for weight in model.parameters():
                if weight.dim() == 5:
                    weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
        return model

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """The model and optimizer to train with: mixed precision, gradient scaling, gradients shared over processes."""
        wrapped, stepper = self._fabric.setup(model, optimizer, move_to_device=False)
        return wrapped, stepper

    def autocast(self) -> AbstractContextManager[None]:
        """The precision of forward passes outside training; every process works on its own."""
        return self._fabric.autocast()

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

    def _choose_precision(self, config: EngineConfig) -> str:
        """32 on the CPU, where the gradients of bf16 3D convolutions are wrong in today's torch; bf16 on a GPU."""
        if not self.on_gpu:
            if config.precision not in ("auto", "32"):
                raise ConfigError(f"engine.precision={config.precision}: on the CPU only 32 gives right gradients")
            return "32"
        if config.precision != "auto":
            return config.precision
        return "bf16" if torch.cuda.is_bf16_supported() else "16"


class Checkpoints:
    """The last two checkpoints of a training, each a folder `step-00000042` of weights and state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: int, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write atomically: weights as safetensors, the rest by torch.save; older ones than the last two go."""
        with files.replacing(self.folder / f"step-{step:08d}") as temporary:
            temporary.mkdir()
            save_weights(temporary / "model.safetensors", weights)
            torch.save(dict(state), temporary / "state.pt")
        for old in self._steps()[:-2]:
            files.remove(old)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """(weights, state) of the newest checkpoint, on the CPU; None where there is none."""
        folder = self.newest()
        if folder is None:
            return None
        weights = load_file(folder / "model.safetensors")
        return weights, torch.load(folder / "state.pt", map_location="cpu", weights_only=True)

    def newest(self) -> Path | None:
        """The folder of the newest checkpoint."""
        return next(reversed(self._steps()), None)

    def _steps(self) -> list[Path]:
        found = self.folder.glob("step-*") if self.folder.is_dir() else ()
        return sorted(path for path in found if re.fullmatch(r"step-\d{8}", path.name))


def save_weights(path: Path, weights: Mapping[str, Tensor], **metadata: str) -> None:
    """A safetensors file, atomically; tensors in ordinary memory layout on the CPU."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    files.save(path, lambda temporary: save_file(tensors, temporary, metadata))
