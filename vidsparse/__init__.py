"""Does dynamic sparse training make video and image models more robust to corruption, and by how much?

The public names are loaded when first used, so that `vidsparse --help` and config errors need not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vidsparse.utils import one_copy, torchvision_compat
from vidsparse.utils.version import VERSION

if TYPE_CHECKING:
    from vidsparse import metrics, probes, sparsity
    from vidsparse.api.comparing import compare
    from vidsparse.api.evaluating import evaluate
    from vidsparse.api.generating import generate
    from vidsparse.api.listed_names import list_configs, list_corruptions, list_data, list_methods, list_suites
    from vidsparse.api.paired_gain import Comparison
    from vidsparse.api.result import Result, load_run
    from vidsparse.api.stored_clips import CorruptedClips
    from vidsparse.experiment import run
    from vidsparse.loading import load_config
    from vidsparse.models.model_rows import list_models
    from vidsparse.models.zoo import create_model
    from vidsparse.plugins.registering import register
    from vidsparse.publishing.hub_folder import from_pretrained
    from vidsparse.sparsity.topology import sparsify

__all__ = [
    "Comparison",
    "CorruptedClips",
    "Result",
    "compare",
    "create_model",
    "evaluate",
    "from_pretrained",
    "generate",
    "list_configs",
    "list_corruptions",
    "list_data",
    "list_methods",
    "list_models",
    "list_suites",
    "load_config",
    "load_run",
    "metrics",
    "probes",
    "register",
    "run",
    "sparsify",
    "sparsity",
]
__version__ = VERSION

_HOME = {
    "Comparison": "vidsparse.api.paired_gain",
    "CorruptedClips": "vidsparse.api.stored_clips",
    "Result": "vidsparse.api.result",
    "compare": "vidsparse.api.comparing",
    "evaluate": "vidsparse.api.evaluating",
    "generate": "vidsparse.api.generating",
    "list_configs": "vidsparse.api.listed_names",
    "list_corruptions": "vidsparse.api.listed_names",
    "list_data": "vidsparse.api.listed_names",
    "list_methods": "vidsparse.api.listed_names",
    "list_suites": "vidsparse.api.listed_names",
    "load_run": "vidsparse.api.result",
    "from_pretrained": "vidsparse.publishing.hub_folder",
    "create_model": "vidsparse.models.zoo",
    "list_models": "vidsparse.models.model_rows",
    "load_config": "vidsparse.loading",
    "register": "vidsparse.plugins.registering",
    "run": "vidsparse.experiment",
    "sparsify": "vidsparse.sparsity.topology",
}

if one_copy.imported() is None:
    one_copy.check_corruptions()
torchvision_compat.install()


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    if name in ("metrics", "probes", "sparsity"):
        return import_module(f"vidsparse.{name}")
    if name in _HOME:
        one_copy.check_corruptions()
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'vidsparse' has no attribute {name!r}")
