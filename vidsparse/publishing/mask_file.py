"""masks.safetensors of a published folder: of each sparse layer which links are there, eight a byte."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidsparse.config.identity import digest
from vidsparse.report.tables import Run
from vidsparse.utils import failures, files
from vidsparse.utils.errors import ConfigError, RunFolderError, first_line

if TYPE_CHECKING:
    from torch import Tensor

NAME = "masks.safetensors"
FIRST_BIT = "lowest"  # the first weight of a byte, as `sparsity.masks.pack` has it; folders of version 1: the highest


def tensors(path: Path) -> "dict[str, Tensor]":
    """What a safetensors file of a published folder holds; RunFolderError where it is damaged or missing."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise RunFolderError(f"{path} is damaged or missing ({error}); download it again") from error


def write(out: Path, run: Run, weights: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """Write out/masks.safetensors: the links of every layer with a mask, none for a dense network; returns them.

    A link that is there may weigh exactly nothing (just grown, or frozen at its start), so links are those of the last
    checkpoint's topology. Without one they are the weights that are not zero, where there are as many of them as links.

    Raises:
        RunFolderError: neither tells the links that layers.csv counts.
    """
    from safetensors.torch import save

    from vidsparse.sparsity.masks import pack

    masks = links(run, weights)
    files.write(out / NAME, save({name: pack(mask) for name, mask in masks.items()}))
    return masks


def links(run: Run, weights: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """{layer: bool Tensor} of a finished run's sparse layers, checked by layers.csv and by the weights."""
    from vidsparse.sparsity.masks import unpack

    if run.layers is None:
        return {}
    packed, rows, found = _of_last_checkpoint(run), run.layers.set_index("name"), {}
    for name, row in rows[rows["nonzero"] < rows["total"]].iterrows():
        weight = weights.get(str(name))
        if weight is None:
            raise RunFolderError(f"{run.path / 'layers.csv'} names {name}, which checkpoints/final.safetensors lacks")
        present = weight != 0
        mask = unpack(packed[str(name)], present) if str(name) in packed else present
        if int(mask.sum()) != row["nonzero"] or bool((present & ~mask).any()):
            raise RunFolderError(
                f"{run.path}: which links of {name} are there cannot be told: layers.csv counts {row['nonzero']:,}, "
                f"checkpoints/ holds {int(mask.sum()):,}; publish a whole run folder, with its last checkpoint"
            )
        found[str(name)] = mask
    return found


def read(path: Path, weights: "Mapping[str, Tensor]", first_bit: str) -> "dict[str, Tensor]":
    """The masks of a published folder, {parameter: bool Tensor}; `weights` are those that they were made for.

    Raises:
        RunFolderError: they are of other weights: a name, a shape, or a weight that is not zero where no link is.
    """
    from vidsparse.sparsity.masks import unpack

    found = {}
    for name, bits in tensors(path).items():
        if name not in weights:
            raise RunFolderError(f"{path} has a mask of {name}, which the network lacks; download the folder again")
        present = weights[name] != 0
        try:
            mask = unpack(bits if first_bit == FIRST_BIT else _turned(bits), present)
        except ConfigError as error:
            raise RunFolderError(f"{path}, {name}: {error}; download the folder again") from error
        if bool((present & ~mask).any()):
            raise RunFolderError(f"{path}, {name}: weights that it says are absent are not zero; download it again")
        found[name] = mask
    return found


def _turned(bits: "Tensor") -> "Tensor":
    """Bytes with their bits from the other end."""
    import torch

    return torch.from_numpy(np.packbits(np.unpackbits(bits.numpy()), bitorder="little"))


def _of_last_checkpoint(run: Run) -> "Mapping[str, Tensor]":
    """The packed masks of the run's last checkpoint; none where nothing was trained or none is left."""
    import torch

    last = max((run.path / "checkpoints").glob(f"step-{8 * '[0-9]'}/state.pt"), default=None)
    if last is None:
        return {}
    try:
        state: dict[str, Any] = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
        of, masks = state.get("run"), state["sparse"]["masks"]
    except Exception as error:  # whatever a damaged file makes its reader say
        failures.check(error, last)
        raise RunFolderError(f"{last} cannot be read ({first_line(error)}); the masks are in it") from error
    if of not in (None, digest(dict(run.record.identity))):
        raise RunFolderError(f"{last} is of a run with other settings or data; take it out of this folder")
    return dict(masks)
