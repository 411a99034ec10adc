"""Whether weights that are zero, but not by channels, make any runtime faster; printed and never judged.

The same network with none and with most of its weights at zero, scattered, in PyTorch, ONNX Runtime and OpenVINO, in 32
bit and in eight, OpenVINO also told that it may unpack sparse weights, an option for matrix products in eight bits.
`python -m pytest -s tests/speed/test_zeros.py` (needs the extra `export`).
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch

from speed.timing import interleaved
from vidsparse.export.convert import convert, quantize
from vidsparse.models.exported import Exported
from vidsparse.models.zoo import create_model

ROUNDS, SHARE = 11, 0.9
UNPACK = {"CPU_SPARSE_WEIGHTS_DECOMPRESSION_RATE": 0.5}


def openvino(path: Path, **settings: Any) -> Callable[[torch.Tensor], object]:
    package = import_module("openvino")
    fixed = {"INFERENCE_NUM_THREADS": 1, **({} if "int8" in path.stem else {"INFERENCE_PRECISION_HINT": "f32"})}
    return package.Core().compile_model(package.convert_model(path), "CPU", {**fixed, **settings})


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["timm/resnet18", "timm/vit_tiny_patch16_224"])
def test_a_forward_pass_with_and_without_zeros(name, tmp_path: Path, capsys):
    pytest.importorskip("openvino")
    torch.set_num_threads(1)
    clips, calls = torch.randn(2, 3, 1, 224, 224), {}
    for share in (0.0, SHARE):
        torch.manual_seed(0)
        model = create_model(name, 8, 1, 224).eval()
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.mul_(torch.rand(weight.shape) >= share)
        path, small = tmp_path / f"{share}.onnx", tmp_path / f"{share}_int8.onnx"
        convert(model, clips, "onnx", path)
        quantize(path, [clips], small)
        forms = {"PyTorch": model, "ONNX Runtime": Exported(path), "ONNX Runtime int8": Exported(small)}
        forms |= {"OpenVINO": openvino(path), "OpenVINO, unpacking": openvino(path, **UNPACK)}
        forms |= {"OpenVINO int8": openvino(small), "OpenVINO int8, unpacking": openvino(small, **UNPACK)}
        calls |= {(form, share): each for form, each in forms.items()}
    given = clips[:1]
    numbers = given.numpy()
    with torch.inference_mode():
        times = interleaved(
            {
                key: (lambda call=call, x=numbers if "OpenVINO" in key[0] else given: call(x))
                for key, call in calls.items()
            },
            ROUNDS,
        )
    with capsys.disabled():
        print(f"\n{name}, one image of 224 px, one thread, {SHARE:.0%} of the weights zero:")
        for form in dict.fromkeys(form for form, _ in calls):
            dense, sparse = times[form, 0.0], times[form, SHARE]
            ratios = sorted(a / b for a, b in zip(dense, sparse, strict=True))
            print(f"  {form:26} {1000 * median(dense):5.0f} ms without zeros; with them {median(ratios):.2f} times as "
                  f"fast ({ratios[2]:.2f} to {ratios[-3]:.2f})")  # fmt: skip
