"""The network of a finished run, as it leaves the house."""

from pathlib import Path

from torch import nn

from vidsparse.config import Config
from vidsparse.models.zoo import create_model
from vidsparse.sparsity.channels.compact import compaction
from vidsparse.utils.progress import say


def trained_network(config: Config, run: Path, classes: int, smaller: bool) -> nn.Module:
    """The trained network of the folder `run` in evaluation mode, without dead channels if it is to be smaller."""
    shape = (classes, config.data.frames, config.data.size)
    model = create_model(config.model.name, *shape, weights=run, narrowed=config.model.narrowed).eval()
    if not smaller:
        return model
    found, before = compaction(model), sum(weight.numel() for weight in model.parameters())
    after = sum(weight.numel() for weight in found.model.parameters())
    say(f"compact    {after:,} of {before:,} parameters are left")
    for name, why in list(found.left_alone.items())[:3]:
        say(f"compact    left alone: {name or 'the network'}: {why}")
    return found.model
