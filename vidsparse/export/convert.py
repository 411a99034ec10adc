"""A network as a file: by torch.export, as ONNX, for OpenVINO; and an ONNX file in eight bits."""

import warnings
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidsparse.utils.errors import ConfigError, VidsparseError, first_line, install

SUFFIX = {"onnx": ".onnx", "torch": ".pt2", "openvino": ".xml"}
_NEEDS = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "torch": (), "openvino": ("onnx", "onnxscript", "openvino")}


def check_packages(kind: str) -> None:
    """ConfigError where what a format needs is not installed."""
    if missing := [name for name in _NEEDS[kind] if not find_spec(name)]:
        raise ConfigError(f"--to {kind} needs {', '.join(missing)}: {install('export', *missing)}")


def convert(model: nn.Module, clips: Tensor, kind: str, path: Path) -> None:
    """Write `model` as `kind` ("onnx", "torch" or "openvino") to `path`, for any number of clips at once.

    Args:
        model: in evaluation mode.
        clips: float (B, 3, T, H, W), B at least 2; all but B is fixed from now on.
        kind: the format.
        path: with the suffix that SUFFIX says; OpenVINO writes a .bin beside it.

    Raises:
        ConfigError: the exporter cannot follow the network.
    """
    dynamic = ({0: torch.export.Dim("clips", min=1, max=4096)},)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # exporters warn of themselves
        try:
            followed = torch.export.export(model, (clips,), dynamic_shapes=dynamic)
            if kind == "torch":
                torch.export.save(followed, path)
                return
            program: Any = torch.onnx.export(
                followed, dynamo=True, input_names=["clips"], output_names=["logits"], verbose=False
            )
            if kind == "openvino":
                _leave_out_empty_scatters(program)
            program.save(path.with_suffix(".onnx"))
            if kind == "openvino":
                _as_openvino(path)
        except ConfigError:
            raise
        except Exception as error:  # whatever an exporter says of a step that it does not know
            raise ConfigError(f"{type(model).__name__} cannot be exported as {kind}: {first_line(error)}") from error


def _as_openvino(path: Path) -> None:
    """Write the network beside `path` whose suffix is .onnx as `path` and its .bin, and take the .onnx away."""
    openvino = import_module("openvino")
    made = openvino.convert_model(path.with_suffix(".onnx"))
    openvino.save_model(made, path, compress_to_fp16=False)
    path.with_suffix(".onnx").unlink()


def _leave_out_empty_scatters(program: Any) -> None:
    """Take out each ScatterND that writes nothing, as Swin's masks of windows have where clips are as short as these.

    OpenVINO refuses them.
    """
    replace = import_module("onnx_ir").convenience.replace_all_uses_with
    for node in program.model.graph:
        if node.op_type == "ScatterND" and any(0 in (node.inputs[at].shape or ()) for at in (0, 2)):
            replace(node.outputs[0], node.inputs[0])


def quantize(path: Path, batches: Iterable[Tensor], out: Path) -> None:
    """Write the ONNX network of `path` to `out` in eight bits: weights by channel, activations by what they were on
    `batches` of clips (static quantisation of ONNX Runtime, QDQ, signed); ConfigError where that cannot be done."""
    quantization = import_module("onnxruntime.quantization")
    reader: Any = quantization.CalibrationDataReader

    class Reader(reader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self._batches = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            clips = next(self._batches, None)
            return None if clips is None else {"clips": clips.numpy()}

    prepared = out.with_name(f"{out.stem}.prepared.onnx")
    shapes = import_module("onnxruntime.quantization.shape_inference")
    try:
        shapes.quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared), str(out), Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
            activation_type=quantization.QuantType.QInt8, weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["Conv", "MatMul", "Gemm", "Add"],
        )  # fmt: skip
    except VidsparseError:  # a clip that cannot be read
        raise
    except Exception as error:  # ONNX Runtime has errors of its own, also for no clip at all
        raise ConfigError(f"{path.name} cannot be quantised: {first_line(error)}") from error
    prepared.unlink()
