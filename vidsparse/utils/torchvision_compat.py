"""Let `import torchvision` succeed beside a CPU build of torch.

The registry's torchvision wheel is linked to CUDA. Its operator library cannot load beside CPU torch, and its
import then registers fake kernels for `nms` and `qnms`, two operators that nobody defined. Defining their
schemas first is all that is missing: models, transforms, timm, torchmetrics and pytorchvideo then work.
`install()` costs nothing until somebody imports torchvision, and does nothing on a healthy install.
"""

import importlib.util
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_SCHEMA = "{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_libraries: list[Any] = []  # a torch.library.Library takes its definitions away when it is collected


class _BeforeTorchvision(MetaPathFinder):
    """Finds nothing itself; runs the fix once, at the first import of torchvision, whoever asks for it."""

    done = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision" and not self.done:
            self.done = True  # before the fix, which looks for torchvision itself
            define_missing_operators()
        return None


def install() -> None:
    """Run the fix before torchvision is first imported in this process; safe to call twice."""
    if "torchvision" not in sys.modules and not any(isinstance(f, _BeforeTorchvision) for f in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())


def define_missing_operators() -> tuple[str, ...]:
    """Define the operator schemas that torchvision's own library failed to bring; returns their names."""
    package = importlib.util.find_spec("torchvision")
    if package is None or package.submodule_search_locations is None:
        return ()
    import torch

    library = PathFinder.find_spec("_C", package.submodule_search_locations)
    if library is not None and library.origin is not None:
        with suppress(OSError):  # linked to CUDA, beside CPU torch: the case this module is for
            torch.ops.load_library(library.origin)
    missing = tuple(name for name in ("nms", "qnms") if not hasattr(torch.ops.torchvision, name))
    if missing:
        fragment = torch.library.Library("torchvision", "FRAGMENT")  # FRAGMENT cannot clash with a second definer
        for name in missing:
            fragment.define(_SCHEMA.format(name=name))
        _libraries.append(fragment)
    return missing
