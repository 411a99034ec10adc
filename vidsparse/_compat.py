"""Let `import torchvision` succeed beside a CPU build of torch.

The registry's torchvision wheel is linked to CUDA. Its operator library cannot load beside CPU torch, and its
import then registers fake kernels for `nms` and `qnms`, two operators that nobody defined. Defining their
schemas first is all that is missing: models, transforms, timm, torchmetrics and pytorchvideo then work.
`install()` costs nothing until somebody imports torchvision, and does nothing on a healthy install.
"""

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

_SCHEMA = "{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_libraries: list[Any] = []  # a torch.library.Library takes its definitions away when it is collected


class _BeforeTorchvision(MetaPathFinder):
    """Finds nothing itself; runs the fix at the first import of torchvision, whoever asks for it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            define_missing_operators()
        return None


def install() -> None:
    """Run the fix before torchvision is first imported in this process; safe to call twice."""
    if "torchvision" not in sys.modules and not any(isinstance(f, _BeforeTorchvision) for f in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())


def define_missing_operators() -> tuple[str, ...]:
    """Define the operator schemas that torchvision's own library failed to bring; returns their names."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return ()
    import torch

    library = os.path.join(os.path.dirname(spec.origin), "_C.so")
    if os.path.exists(library):
        try:
            torch.ops.load_library(library)
        except OSError:
            pass  # linked to CUDA, beside CPU torch: the case this module is for
    missing = tuple(name for name in ("nms", "qnms") if not hasattr(torch.ops.torchvision, name))
    if missing:
        fragment = torch.library.Library("torchvision", "FRAGMENT")  # FRAGMENT cannot clash with a second definer
        for name in missing:
            fragment.define(_SCHEMA.format(name=name))
        _libraries.append(fragment)
    return missing
