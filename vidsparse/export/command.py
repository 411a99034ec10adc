"""`vidsparse export RUN` and `vidsparse latency RUN...`: their options, and what they do."""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsparse.export import LATENCY
from vidsparse.models.exported_files import Exporter, check_room, describe, parts
from vidsparse.run_dir.record import read_record
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError, RunFolderError, plural
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
    from vidsparse.export.convert import SUFFIX, check_packages
    from vidsparse.export.trained import logits_of, trained_network
    from vidsparse.loading import load_config

    run, kind = files.at_home(options.run), options.to
    if options.int8 and kind != "onnx":
        raise ConfigError("--int8 is of ONNX: give --to onnx")
    if not (run / "checkpoints" / "final.safetensors").is_file():
        raise RunFolderError(f"{run} is not a finished run: it has no checkpoints/final.safetensors")
    check_packages(kind)
    config = load_config(run / "config.yaml")
    out = files.at_home(options.out) if options.out else run / "exported"
    record = read_record(run)
    own, said = _exporter(run, config), _said(logits_of(record, run), config.data)
    check_room(out, own, said)
    model = trained_network(config, run, record, options.compact)
    test, train = _clips(config)
    if (seen := next(test, None)) is None:
        raise RunFolderError(f"{run}: none of {_CHECKED} test clips can be read, to compare the file with PyTorch on")
    out.mkdir(parents=True, exist_ok=True)
    with _making(out) as folder:  # nothing that is refused stays
        path = folder / f"{'compact' if options.compact else 'model'}{SUFFIX[kind]}"
        made = _make(model, kind, path, seen, train if options.int8 else None)
        for part in sorted(folder.iterdir()):
            part.replace(out / part.name)
    describe(out, own, said, {out / name: options.compact for name in made})
    for name, told in made.items():
        say(f"{told[0]:<11}{out / name}, {told[1]}")
    for name in made:
        say(f"evaluate   with model.name={config.model.name} model.weights={out / name}, as any weights")


@contextmanager
def _making(out: Path) -> Iterator[Path]:
    """A folder of this process on the disk of `out`; what killed exports left there goes, that of living ones stays."""
    files.sweep(out / ".making")
    folder = files.temporary_for(out / ".making" / "export")
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        with suppress(OSError):  # others are at work
            folder.parent.rmdir()


def add_latency(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vidsparse latency` to its parser."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="folders of finished runs")
    parser.add_argument("--threads", type=_positive, nargs="+", default=[1, 2], help="threads of a pass; default: 1 2")
    parser.add_argument("--clips", type=_positive, default=1, help="clips of a pass; default: 1")
    parser.add_argument("--turns", type=_positive, default=15, help="passes of each network; default: 15")
    parser.add_argument("--out", default="runs/comparison", help=f"the comparison whose {LATENCY} is written")


def time_networks(options: argparse.Namespace) -> None:
    """Time the networks of runs in turns, and write latency.csv where the report of their comparison looks for it."""
    from vidsparse.export.latency import measure
    from vidsparse.loading.brought_rows import load_plugins_of

    runs, out = [files.at_home(run) for run in options.runs], files.at_home(options.out)
    load_plugins_of(runs)
    table = measure(runs, options.threads, options.clips, options.turns)
    out.mkdir(parents=True, exist_ok=True)
    files.write(out / LATENCY, table.to_csv(index=False, lineterminator="\n"))
    for row in table.to_dict("records"):
        say(
            f"latency    {row['run']}: {row['median_ms']:.1f} ms (95th percentile {row['p95_ms']:.1f}) on "
            f"{plural(row['threads'], 'thread')}, {row['parameters']:,} parameters of {row['weights_mb']:.1f} MB, "
            f"{row['peak_mb']:.1f} MB of tensors at once"
        )
    say(f"latency    {out / LATENCY}; a report of these runs with --out {out} draws robustness over it")


def _positive(word: str) -> int:
    if not word.isdigit() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word} is not a whole number above 0")
    return int(word)


def _make(
    model: "nn.Module", kind: str, path: Path, seen: "Tensor", train: "Iterator[Tensor] | None"
) -> dict[str, tuple[str, str]]:
    """Write the file, and with clips of the training part that in eight bits: {name: (what it is, what is said)}.

    ConfigError where it answers otherwise than the network does on the clips `seen`.
    """
    from vidsparse.export.convert import convert, quantize

    convert(model, seen[:2] if len(seen) > 1 else seen.repeat(2, 1, 1, 1, 1), kind, path)
    made = {path.name: ("export", _compare(model, path, seen))}
    if train is not None:
        small = path.with_name(f"{path.stem}_int8.onnx")
        quantize(path, train, small)
        made[small.name] = ("int8", _agreement(model, small, seen))
    return made


def _exporter(run: Path, config: "Config") -> Exporter:
    """Which run it is, and how its weights were trained."""
    trained = read_record(run).topology
    method = trained.method if trained else config.sparse.method
    sparsity = trained.sparsity if trained else config.sparse.sparsity
    weights = files.digest(run / "checkpoints" / "final.safetensors")
    return Exporter(config.model.name, config.model.narrowed, method, 0.0 if method == "dense" else sparsity, weights)


def _said(logits: Sequence[str], data: "DataConfig") -> dict[str, Any]:
    """Names of the logits and the input, as an evaluation looks for them beside the files."""
    own = {name: getattr(data, name) for name in ("frames", "short_side", "size", "normalize")}
    return {"id2label": {str(number): name for number, name in enumerate(logits)}, "input": own}


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
    """The clips of the test part that can be read, eight at a time, clean."""
    import torch

    from vidsparse.data.corrupted.batches import CorruptedUnits
    from vidsparse.data.corrupted.cells import CLEAN_CELL
    from vidsparse.data.loader import to_input

    count = len(clips.test)
    units = [(number, range(first, min(first + 8, count))) for number, first in enumerate(range(0, count, 8))]
    for batch in CorruptedUnits(clips, config.evaluation, [CLEAN_CELL], units):
        read = batch.ok.repeat(len(batch.clips) // len(batch.ok))  # views of a clip follow each other
        if read.any():
            yield to_input(batch.clips[torch.from_numpy(read)], config.data.normalize)


def _logits(model: "nn.Module", path: Path, clips: "Tensor") -> "tuple[Tensor, Tensor]":
    import torch

    from vidsparse.models.exported import Exported

    with torch.inference_mode():
        return model(clips), Exported(path)(clips)


def _compare(model: "nn.Module", path: Path, clips: "Tensor") -> str:
    """How near the file is; ConfigError where it answers otherwise than the network does."""
    theirs, ours = _logits(model, path, clips)
    off = float((theirs - ours).abs().max() / theirs.abs().max().clamp(min=1))
    if not off <= _TOLERANCE:
        raise ConfigError(
            f"{path.name} would answer otherwise than the network and is not kept: logits are off by {off:.1e} of the "
            "largest"
        )
    size = sum(part.stat().st_size for part in parts(path))
    return f"{size / 1e6:.1f} MB; logits of {plural(len(clips), 'test clip')} off by {off:.1e}"


def _agreement(model: "nn.Module", path: Path, clips: "Tensor") -> str:
    """How often the file in eight bits answers alike; of maps, on what share of the pixels."""
    theirs, ours = _logits(model, path, clips)
    same, size = theirs.argmax(1) == ours.argmax(1), path.stat().st_size
    found = f"{int(same.sum())}" if same.ndim == 1 else f"{float(same.float().mean()):.1%} of the pixels"
    return f"{size / 1e6:.1f} MB; {found} of {plural(len(clips), 'test clip')} answered alike"
