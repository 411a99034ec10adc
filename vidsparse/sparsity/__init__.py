"""The topology engine: which weights exist, layer by layer, and how that changes while a network trains."""

from vidsparse.sparsity.distribution import allocate
from vidsparse.sparsity.methods import METHODS, Method

__all__ = ["METHODS", "Method", "allocate"]
