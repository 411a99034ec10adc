"""`vidsparse export RUN`: its options, and what it does."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vidsparse.utils.errors import ConfigError, RunFolderError
from vidsparse.utils.files import at_home
from vidsparse.utils.progress import say

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vidsparse.config import Config, DataConfig
    from vidsparse.data.clips import Clips

_TOLERANCE = 1e-4  # of logits, relative to the largest
_CHECKED, _CALIBRATED = 8, 32  # clips


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("run", metavar="RUN", help="the folder of a finished run")
    parser.add_argument("--to", choices=("onnx", "torch", "openvino"), default="onnx", help="the format")
    parser.add_argument("--compact", action="store_true", help="take out dead channels first, without another output")
    parser.add_argument("--int8", action="store_true", help="also in eight bits, by training clips (ONNX)")
    parser.add_argument("--out", help="the folder of the files; default: RUN/exported")


def carry_out(options: argparse.Namespace) -> None:
    """Export the network of a run, compare it with PyTorch on clips of the run, and say how to evaluate it."""
    from vidsparse.export.convert import SUFFIX, check_packages, convert, quantize
    from vidsparse.loading import load_config

    run, kind = at_home(options.run), options.to
    if options.int8 and kind != "onnx":
        raise ConfigError("--int8 is of ONNX: give --to onnx")
    if not (run / "checkpoints" / "final.safetensors").is_file():
        raise RunFolderError(f"{run} is not a finished run: it has no checkpoints/final.safetensors")
    check_packages(kind)
    config = load_config(run / "config.yaml")
    out = at_home(options.out) if options.out else run / "exported"
    out.mkdir(parents=True, exist_ok=True)
    model, classes = _network(run, config, options.compact)
    test, train = _clips(config)
    seen = next(test)
    path = out / f"{'compact' if options.compact else 'model'}{SUFFIX[kind]}"
    convert(model, seen[:2], kind, path)
    _describe(out, classes, config.data)
    _compare(model, path, seen)
    made = [path]
    if options.int8:
        made.append(path.with_name(f"{path.stem}_int8.onnx"))
        quantize(path, train, made[1])
        _agreement(model, made[1], seen)
    for file in made:
        say(f"evaluate   with model.name={config.model.name} model.weights={file}, as any weights")


def _network(run: Path, config: "Config", smaller: bool) -> "tuple[nn.Module, tuple[str, ...]]":
    """The trained network in evaluation mode, without dead channels if it is to be smaller, and its classes."""
    from vidsparse.models.zoo import create_model
    from vidsparse.run_dir.record import read_record
    from vidsparse.sparsity.channels.compact import compaction

    data = read_record(run).data
    if data is None:
        raise RunFolderError(f"{run} does not say what its classes are")
    shape = (len(data.classes), config.data.frames, config.data.size)
    model = create_model(config.model.name, *shape, weights=run, narrowed=config.model.narrowed).eval()
    if not smaller:
        return model, data.classes
    found, before = compaction(model), sum(weight.numel() for weight in model.parameters())
    after = sum(weight.numel() for weight in found.model.parameters())
    say(f"compact    {after:,} of {before:,} parameters are left")
    for name, why in list(found.left_alone.items())[:3]:
        say(f"compact    left alone: {name or 'the network'}: {why}")
    return found.model, data.classes


def _clips(config: "Config") -> "tuple[Iterator[Tensor], Iterator[Tensor]]":
    """Batches of clean clips of a run, as its network takes them: of its test part, and of its training part."""
    from dataclasses import replace

    from vidsparse.data.load import load_and_tell

    clips = load_and_tell(config, trains=True)
    return (
        _batches(config, replace(clips, test=clips.test[:: max(1, len(clips.test) // _CHECKED)][:_CHECKED])),
        _batches(config, replace(clips, test=clips.train[:: max(1, len(clips.train) // _CALIBRATED)][:_CALIBRATED])),
    )


def _batches(config: "Config", clips: "Clips") -> "Iterator[Tensor]":
    """The clips of the test part, eight at a time, clean."""
    from vidsparse.data.corrupted.batches import CorruptedUnits
    from vidsparse.data.corrupted.cells import CLEAN_CELL
    from vidsparse.data.loader import to_input

    count = len(clips.test)
    units = [(number, range(first, min(first + 8, count))) for number, first in enumerate(range(0, count, 8))]
    for batch in CorruptedUnits(clips, config.evaluation, [CLEAN_CELL], units):
        yield to_input(batch.clips, config.data.normalize)


def _describe(out: Path, classes: "tuple[str, ...]", data: "DataConfig") -> None:
    """Names of the logits and the input beside the files, where an evaluation looks for them."""
    own = {name: getattr(data, name) for name in ("frames", "short_side", "size", "normalize")}
    said = {"id2label": {str(number): name for number, name in enumerate(classes)}, "input": own}
    (out / "config.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")


def _logits(model: "nn.Module", path: Path, clips: "Tensor") -> "tuple[Tensor, Tensor]":
    import torch

    from vidsparse.models.exported import Exported

    with torch.inference_mode():
        return model(clips), Exported(path)(clips)


def _compare(model: "nn.Module", path: Path, clips: "Tensor") -> None:
    """ConfigError where the file answers otherwise than the network does."""
    theirs, ours = _logits(model, path, clips)
    off = float((theirs - ours).abs().max() / theirs.abs().max().clamp(min=1))
    if not off <= _TOLERANCE:
        raise ConfigError(f"{path} answers otherwise than the network: logits are off by {off:.1e} of the largest")
    size = path.stat().st_size + sum(other.stat().st_size for other in _data_of(path))
    say(f"export     {path}, {size / 1e6:.1f} MB; logits of {len(clips)} test clips off by {off:.1e}")


def _agreement(model: "nn.Module", path: Path, clips: "Tensor") -> None:
    theirs, ours = _logits(model, path, clips)
    same = int((theirs.argmax(1) == ours.argmax(1)).sum())
    say(f"int8       {path}, {path.stat().st_size / 1e6:.1f} MB; {same} of {len(clips)} test clips answered alike")


def _data_of(path: Path) -> list[Path]:
    """Files in which a format keeps the weights apart."""
    return [other for other in (path.with_suffix(".bin"), Path(f"{path}.data")) if other.is_file()]
