"""Networks that another runtime carries out: ONNX Runtime, OpenVINO, or a program of torch.export, read from a file.

They have no parameters and cannot be trained; they are evaluated as any other network is.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidsparse.models.exported_files import PACKAGES
from vidsparse.utils.errors import ConfigError, brief, install


class Exported(nn.Module):
    """The network in `path`: clips float (B, 3, T, H, W), normalised, to logits (B, classes), computed on the CPU.

    Raises:
        ConfigError: its runtime is not installed, or cannot read the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self._run = path, None
        package = PACKAGES[path.suffix.lower()]
        if not find_spec(package):
            raise ConfigError(f"{path} needs {package}: {install('export', 'onnx', 'onnxscript', package)}")
        self._started()

    def forward(self, clips: Tensor) -> Tensor:
        """Logits, on the device of the clips."""
        logits: Tensor = self._started()(clips.detach().to("cpu", torch.float32)).to(clips.device)
        return logits

    def classes(self, frames: int, size: int) -> int:
        """How many logits it gives; ConfigError where it takes no clips of this length and size."""
        try:
            return int(self(torch.zeros(1, 3, frames, size, size)).shape[1])
        except Exception as error:  # each runtime has errors of its own
            raise ConfigError(
                f"{self.path} takes no clips of {frames} frames of {size} x {size} pixels: it was exported for "
                f"one size; give data.frames and data.size as in the run it came from ({brief(error)})"
            ) from error

    def _started(self) -> Any:
        if self._run is None:
            try:
                self._run = _STARTERS[self.path.suffix.lower()](str(self.path))
            except Exception as error:  # as above
                raise ConfigError(f"{self.path} cannot be read: {brief(error)}") from error
        return self._run

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_run": None}  # a session is started anew


def _onnx(path: str) -> Any:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda clips: torch.from_numpy(session.run(None, {name: clips.contiguous().numpy()})[0])


def _openvino(path: str) -> Any:
    openvino = import_module("openvino")
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    return lambda clips: torch.from_numpy(compiled(clips.contiguous().numpy())[0].copy())


def _torch(path: str) -> Any:
    program = torch.export.load(path).module()
    return lambda clips: program(clips)  # a module would be one of ours, with weights to be trained


_STARTERS = {".onnx": _onnx, ".xml": _openvino, ".pt2": _torch}
