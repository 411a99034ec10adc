"""Averages of weights over the training (EMA, SWA) in a file: their names, and those that were saved without names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

Tensors = dict[str, Tensor]
Place = tuple[str, Tensors]  # where in the file, and what stands there
_AVERAGED = re.compile(
    r"(^|[._/])(ema|model_?ema(v\d)?|averaged?|swa|shadow|emacallback|exponential_?moving_?average|moving_?average"
    r"|stochasticweightaveraging)([._/{]|$)"
)
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def is_averaged(name: str) -> bool:
    """Whether a name says that an average of weights over the training is meant (EMA).

    >>> is_averaged("state_dict_ema"), is_averaged("callbacks/EMACallback/weights"), is_averaged("model.cinema")
    (True, True, False)
    """
    return bool(_AVERAGED.search(name.lower()))


def bare_averages(tree: Any, named: Sequence[Place]) -> tuple[list[Place], list[str]]:
    """Averages that were saved as a bare list of tensors, under the names of the state dict that they are of.

    A list (NeMo's `callbacks/EMA/ema_weights`, torch_ema's `ema/shadow_params`, an optimizer's `ema`) has the shapes of
    a whole state dict in its order, or of its parameters alone; then the statistics of batch norms are those beside
    them. Second, the places of the lists that are neither, so that nobody can know what is what in them.
    """
    found, lost = list[Place](), list[str]()
    for where, tensors in _lists(tree):
        if is_averaged(where) and any(tensor.dim() > 1 for tensor in tensors):
            fits = [fit for _, state in named if (fit := _under_names(tensors, state))]
            found += [(where, fits[0])] if fits else []
            lost += [] if fits else [where]
    return found, lost


def _under_names(tensors: Sequence[Tensor], state: Tensors) -> Tensors:
    """The tensors under the names of a state dict whose shapes they have; empty where they have not."""
    parameters = [name for name in state if name.rpartition(".")[2] not in _STATISTICS]
    for names in (list(state), parameters):
        if [state[name].shape for name in names] == [tensor.shape for tensor in tensors]:
            return {**state, **dict(zip(names, tensors, strict=True))}
    return {}


def _lists(tree: Any, where: str = "") -> Iterator[tuple[str, list[Tensor]]]:
    """Every list of two tensors or more in what was saved, optimizers' too, by its place."""
    if isinstance(tree, list | tuple):
        if len(tree) > 1 and all(isinstance(each, Tensor) for each in tree):
            yield where, list(tree)
            return
        tree = dict(enumerate(tree))
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if isinstance(value, Mapping | list | tuple):
                yield from _lists(value, f"{where}/{name}" if where else str(name))
