"""Which layers write a network's class scores: the last of each way from the input to an output."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.tracing import on_meta


def example_input(model: nn.Module, example: Tensor | Sequence[int] | None = None) -> Tensor | None:
    """An input of a model: the one given, or random numbers of a shape, given or that of `create_model`; else None.

    The numbers are the same at every call, in the dtype and on the device of the model's parameters.
    """
    if isinstance(example, Tensor):
        return example
    shape = example if example is not None else getattr(model, "example_shape", None)
    if shape is None:
        return None
    like = next(model.parameters())
    generator = torch.Generator().manual_seed(0)
    return torch.randn(tuple(shape), generator=generator).to(like.device, like.dtype)


def heads(model: nn.Module, example: Tensor | Sequence[int] | None = None) -> tuple[str, ...]:
    """Names of the prunable weights whose layers write the outputs of a model, in the order of its modules.

    With an example (an input or its shape; models of `create_model` bring one) they are found by following one forward
    pass back from all its outputs, auxiliary ones included. Without, they are the linear layers and 1 x 1 convolutions
    with a bias that have as many outputs as the weight that is listed last, and that one.

    >>> heads(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)), example=(1, 3))
    ('2.weight',)
    """
    weights = prunable(model)
    given = example_input(model, example)
    found = _followed(model, given, weights) if given is not None else set()
    return tuple(name for name in weights if name in (found or _alike(model, weights)))


def _followed(model: nn.Module, example: Tensor, weights: Mapping[str, nn.Parameter]) -> set[str]:
    """The weights that a walk back from the outputs meets first; none where the pass leaves no trace.

    The pass is that of training, where auxiliary heads answer too, of a copy without values.
    """
    copy = on_meta(model).train()
    for parameter in copy.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    made: dict[Any, str] = {}
    owners = {id(weight): name for name, weight in prunable(copy).items() if name in weights}

    def note(module: nn.Module, _: Any, output: Any) -> None:
        own = next((owners[id(p)] for p in module._parameters.values() if id(p) in owners), None)
        for leaf in tree_leaves(output):
            if own is not None and isinstance(leaf, Tensor) and leaf.grad_fn is not None:
                made.setdefault(leaf.grad_fn, own)

    for module in copy.modules():
        module._forward_pre_hooks.clear()  # a topology's own, and whatever else looks at values
        module._forward_hooks.clear()
        module.register_forward_hook(note)
    pair = torch.empty((2, *example.shape[1:]), dtype=example.dtype, device="meta")  # norms want more than one value
    try:
        with torch.enable_grad():
            outputs = copy(pair)
    except Exception:  # whatever a forward pass says of tensors without values
        return set()
    return _first_met([leaf.grad_fn for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)], made)


def _first_met(ends: Sequence[Any], made: Mapping[Any, str]) -> set[str]:
    found, open_nodes, seen = set[str](), list(ends), set[Any]()
    while open_nodes:
        node = open_nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in made:
            found.add(made[node])
        else:
            open_nodes += [before for before, _ in node.next_functions]
    return found


def _alike(model: nn.Module, weights: Mapping[str, nn.Parameter]) -> set[str]:
    last = list(weights)[-1]
    modules, classes = dict(model.named_modules()), len(weights[last])
    scores = {
        name
        for name, weight in weights.items()
        if len(weight) == classes
        and weight[0].numel() == weight.shape[1]
        and getattr(modules.get(name.rpartition(".")[0]), "bias", None) is not None
    }
    return scores | {last}
