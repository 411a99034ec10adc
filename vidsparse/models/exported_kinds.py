"""Files of networks that another runtime carries out. Reading this imports no torch."""

from pathlib import Path

PACKAGES = {".onnx": "onnxruntime", ".xml": "openvino", ".pt2": "torch"}  # {suffix: what it needs}


def is_exported(path: Path) -> bool:
    """Whether a file's name ends as those of `vidsparse export` do: .onnx, .xml (OpenVINO) or .pt2 (torch.export)."""
    return path.suffix.lower() in PACKAGES
