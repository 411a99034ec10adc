"""The topology engine: which weights exist, layer by layer, and how that changes while a network trains."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vidsparse.sparsity.distribution import allocate
from vidsparse.sparsity.methods import METHODS, Method

if TYPE_CHECKING:  # what needs torch is loaded when first used
    from vidsparse.sparsity.channels.compact import compact, compaction
    from vidsparse.sparsity.measure.dead_channels import dead_channels
    from vidsparse.sparsity.measure.flops import count_flops

__all__ = ["METHODS", "Method", "allocate", "compact", "compaction", "count_flops", "dead_channels"]

_HOME = {
    "compact": "channels.compact",
    "compaction": "channels.compact",
    "count_flops": "measure.flops",
    "dead_channels": "measure.dead_channels",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"vidsparse.sparsity.{_HOME[name]}"), name)
    raise AttributeError(f"module 'vidsparse.sparsity' has no attribute {name!r}")
