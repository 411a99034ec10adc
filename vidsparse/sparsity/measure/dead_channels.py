"""Dead structure: channels that a sparse layer never writes, or never reads."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from vidsparse.sparsity.layer_selection import unwrap
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.weight_transforms import holder


@dataclass(frozen=True)
class Dead:
    """Channels of one layer: `outputs` bool (out,), all incoming weights zero; `inputs` bool (in,), all outgoing ones.

    They are the empty rows and columns of the map N[o, i] of arXiv 2410.03030, section 5.1, which counts the non-zeros
    of the kernel from input channel i to output channel o.
    """

    outputs: Tensor
    inputs: Tensor


def dead_channels(model: nn.Module) -> dict[str, Dead]:
    """{weight name: its dead channels} of every prunable layer, by the values of its weights.

    >>> layer = nn.Linear(3, 2)
    >>> layer.weight.data = Tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    >>> dead_channels(layer)["weight"]
    Dead(outputs=tensor([False,  True]), inputs=tensor([ True, False,  True]))
    """
    found, model = {}, unwrap(model)
    for name, weight in prunable(model).items():
        layer = holder(model, name)
        rows, columns = dead_lines(weight, int(getattr(layer, "groups", 1)))
        found[name] = Dead(columns, rows) if isinstance(layer, _ConvTransposeNd) else Dead(rows, columns)
    return found


def dead_lines(weight: Tensor, groups: int = 1) -> tuple[Tensor, Tensor]:
    """Which rows (n,) and columns (m · groups,) of a weight (n, m, *kernel) are all zero; rows stand group by group."""
    alive = weight.detach().flatten(1).ne(0).view(len(weight), weight.shape[1], -1).any(2)
    return ~alive.any(1), ~alive.view(groups, -1, weight.shape[1]).any(1).flatten()
