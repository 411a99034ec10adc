"""The network of a finished run, as it leaves the house."""

from pathlib import Path

from torch import nn

from vidsparse.config import Config
from vidsparse.models.exported_files import is_exported
from vidsparse.models.zoo import create_model
from vidsparse.run_dir.record import RunRecord
from vidsparse.sparsity.channels.compact import compaction
from vidsparse.utils.errors import RunFolderError
from vidsparse.utils.progress import say


def logits_of(record: RunRecord, run: Path) -> tuple[str, ...]:
    """What the logits of a run's network are called: the classes of its data or, where it judged weights of others,
    all that those have.

    Raises:
        RunFolderError: nobody said, or the run has no network of its own: it judged an exported file.
    """
    weights = record.weights
    if weights and is_exported(Path(weights.file)):
        raise RunFolderError(f"{run} has no network of its own: it judged {weights.origin}, an exported file")
    if record.data is None:
        raise RunFolderError(f"{run} does not say what its classes are")
    return (weights.class_names if weights else None) or record.data.classes


def trained_network(config: Config, run: Path, record: RunRecord, smaller: bool) -> nn.Module:
    """The final network of the folder `run`, trained or judged there, in evaluation mode; without dead channels if it
    is to be smaller.
    """
    shape = (len(logits_of(record, run)), config.data.frames, config.data.size)
    model = create_model(config.model.name, *shape, weights=run, narrowed=config.model.narrowed).eval()
    if not smaller:
        return model
    found, before = compaction(model), sum(weight.numel() for weight in model.parameters())
    after = sum(weight.numel() for weight in found.model.parameters())
    say(f"compact    {after:,} of {before:,} parameters are left")
    for name, why in list(found.left_alone.items())[:3]:
        say(f"compact    left alone: {name or 'the network'}: {why}")
    return found.model
