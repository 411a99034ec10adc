"""The analyses of one run, in units that are done or not done; everything they find is a table in run/analysis/.

spatial.parquet, weight_frequencies.parquet and kernels.npz; corruption_spectra.parquet and filter_spectra.parquet;
attenuation.parquet and fourier.parquet; saliency.parquet and saliency.npz. The report needs these files and no model.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import corruptions
from vidsparse.analysis import kernel_frequencies, saliency, spatial, spectra, spectral
from vidsparse.config import AnalysisConfig, Config, DataConfig, EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.corrupted.cells import Cell, middle_cells
from vidsparse.data.loader import center_clip, to_input
from vidsparse.evaluation import metrics, predictions
from vidsparse.sparsity.masks import prunable
from vidsparse.training.session import Session
from vidsparse.utils import files, json_text
from vidsparse.utils.errors import ClipDecodeError
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.progress import Bar, say

BUDGET = {"cpu": 4e12, "cuda": 4e15}  # FLOPs that `auto` may take: about a minute on a few cores, a GPU's too
_CONDITIONS = 8  # of a unit
_SHOWN = 4  # clips, corruptions and frames of a filmstrip
_RIGHT = 2  # clips of these, at least, that the network names rightly when clean
_STRIPS = 2  # clips whose corruptions' spectra are averaged


def wanted_but_missing(config: AnalysisConfig, run: Path) -> bool:
    """True where an analysis that is switched on is not there, or was made with other settings."""
    asked = {"attenuation.parquet": config.spectral, "saliency.parquet": config.saliency}
    out = run / "analysis"
    return any(how is True and not (out / name).exists() for name, how in asked.items()) or (
        config.spectral is True and _read_settings(out) != _settings(config)
    )


def analyse(session: Session, model: nn.Module) -> None:
    """Write what is missing of analysis/ in the run folder: all that is on, and of what is auto that which is cheap.

    auto adds up forward passes times FLOPs and takes saliency, attenuation and Fourier waves in that order while
    they fit into BUDGET of the device and into what training and evaluation took; what was left out is said. Weights
    that are evaluated as they are get the analyses that are asked for by name, and no others.
    """
    if session.engine.rank == 0:
        _analyse(session, model.eval(), session.folder.path / "analysis")
    session.engine.barrier()


def _analyse(session: Session, model: nn.Module, out: Path) -> None:
    config, clips, data = asked(session.config), session.clips, session.config.data
    if config is None:
        return
    if _read_settings(out) != _settings(config):
        files.remove(out)
    out.mkdir(parents=True, exist_ok=True)
    files.write(out / "settings.json", json.dumps(_settings(config)) + "\n")
    _write_spatial(model, out)
    if clips.stored is not None:
        say("analysis   of the weights alone: spectra and saliency need the source of a corrupted set, not the set")
        return
    if config.spectral:
        _write_spectra(session, model, out)
    shown = _chosen(clips, config.clips)
    if not shown.samples:
        return
    flops = spectral.flops(model, _input(session, shown.clips[:1]))
    budget = min(BUDGET["cuda" if session.engine.on_gpu else "cpu"], flops * passes_so_far(session))
    on = cost(config, data, len(shown.samples), flops, budget)
    if "saliency" in on:
        _write_saliency(session, model, out)
    for name, conditions in (("attenuation", spectral.attenuations), ("fourier", spectral.waves)):
        if name in on:
            _write_spectral(session, model, out / name, conditions(config, data), shown)
    if left := [name for name in ("saliency", "attenuation", "fourier") if name not in on and _may(config, name)]:
        say(f"analysis   left out, being dear here: {', '.join(left)} (analysis.spectral=true, analysis.saliency=true)")


def asked(config: Config) -> AnalysisConfig | None:
    """What is to be made: of weights that nothing was trained of here only what is on by name, None where nothing is.

    >>> from vidsparse.config.change import changed
    >>> given = changed(Config(), {"training.epochs": 0})
    >>> asked(given), asked(changed(given, {"analysis.saliency": True})).spectral
    (None, False)
    """
    found = config.analysis
    if config.training.epochs:
        return found
    by_name = replace(found, spectral=found.spectral is True, saliency=found.saliency is True)
    return by_name if by_name.spectral or by_name.saliency else None


def passes_so_far(session: Session) -> float:
    """Forward passes of one clip that training (a backward pass is two) and evaluation made."""
    training, evaluation = session.config.training, session.config.evaluation
    cells = cells_of(session.clips, evaluation)
    trained = 3 * training.epochs * len(session.clips.train)
    return trained + len(session.clips.test) * len(cells) * evaluation.views


def cost(config: AnalysisConfig, data: DataConfig, clips: int, flops: float, budget: float) -> tuple[str, ...]:
    """Which of saliency, attenuation and fourier are done; `flops` are those of one clip's forward pass.

    `budget`: FLOPs that what is on "auto" may take in all.
    """
    passes = {
        "saliency": 3 * _SHOWN * (1 + _SHOWN),  # a backward pass is two forward ones
        "attenuation": clips * len(spectral.attenuations(config, data)),
        "fourier": clips * len(spectral.waves(config, data)),
    }
    left, on = budget, []
    for name, count in passes.items():
        how = config.saliency if name == "saliency" else config.spectral
        if how is True or (how == "auto" and count * flops <= left):
            on.append(name)
            left -= count * flops if how == "auto" else 0
    return tuple(on)


def _may(config: AnalysisConfig, name: str) -> bool:
    return bool(config.saliency if name == "saliency" else config.spectral)


def _settings(config: AnalysisConfig) -> dict[str, Any]:
    """What the tables depend on beside the run itself."""
    return {"clips": config.clips, "radii": config.radii, "fourier": config.fourier}


def _read_settings(out: Path) -> Any:
    try:
        return json_text.parsed((out / "settings.json").read_text())
    except (OSError, ValueError):
        return None


def spread(n: int, count: int) -> list[int]:
    """At most `count` of n places, from first to last in equal steps.

    >>> spread(10, 4), spread(2, 4)
    ([0, 3, 6, 9], [0, 1])
    """
    return [int(at) for at in np.unique(np.linspace(0, n - 1, min(n, count)).round())] if n else []


def _chosen(clips: Clips, count: int) -> spectral.Shown:
    """Test clips that can be read, spread over the split, and their centre clips."""
    samples, pixels = [], []
    for at in spread(len(clips.test), count):
        try:
            pixels.append(torch.from_numpy(center_clip(clips, clips.test[at]).copy()))
        except ClipDecodeError:
            continue
        samples.append(clips.test[at])
    return spectral.Shown(samples, torch.stack(pixels) if pixels else torch.empty(0))


def _input(session: Session, pixels: Tensor) -> Tensor:
    return to_input(pixels.to(session.engine.device), session.config.data.normalize)


def _write_spatial(model: nn.Module, out: Path) -> None:
    names = ("kernels.npz", "spatial.parquet", "weight_frequencies.parquet")
    if all(files.is_kept(out / name) for name in names):
        return
    weights = {name: weight.detach().cpu() for name, weight in prunable(model).items()}
    _save_arrays(out / "kernels.npz", spatial.kernel_maps(weights))
    _save_table(out / "spatial.parquet", spatial.spatial_table(weights))
    _save_table(out / "weight_frequencies.parquet", kernel_frequencies.low_frequency_weights(weights))


def _write_spectra(session: Session, model: nn.Module, out: Path) -> None:
    if files.is_kept(out / "filter_spectra.parquet") and files.is_kept(out / "corruption_spectra.parquet"):
        return
    clips, evaluation = session.clips, session.config.evaluation
    source = CorruptedUnits(clips, evaluation, _middle_cells(evaluation, clips), ())
    strips = [strip for strip in map(source.strip, spread(len(clips.test), _STRIPS)) if "clean" in strip]
    _save_table(out / "filter_spectra.parquet", spectra.filter_spectra(model))
    _save_table(out / "corruption_spectra.parquet", spectra.corruption_spectra(strips))


def _middle_cells(evaluation: EvaluationConfig, clips: Clips, corruptions_shown: int | None = None) -> list[Cell]:
    """The clean cell and each corruption at its middle severity; of few, each of another family where possible."""
    middle = middle_cells(cells_of(clips, evaluation))
    if corruptions_shown is None:
        return middle
    families: dict[str, Cell] = {}
    for cell in middle[1:]:
        families.setdefault(corruptions.REGISTRY[cell.corruption].family, cell)
    return [middle[0], *list(families.values())[:corruptions_shown]]


def _write_spectral(
    session: Session, model: nn.Module, out: Path, conditions: Sequence[spectral.Condition], shown: spectral.Shown
) -> None:
    """out.parquet in units of a few conditions, each a file in out/; a part that is there is not made again."""
    whole, engine, config = out.with_name(f"{out.name}.parquet"), session.engine, session.config
    if files.is_kept(whole):
        return
    units = [conditions[at : at + _CONDITIONS] for at in range(0, len(conditions), _CONDITIONS)]
    parts = [out / f"unit-{number:04d}.parquet" for number in range(len(units))]

    def forward(inputs: Tensor) -> Tensor:
        with engine.autocast():
            logits: Tensor = model(inputs)
        return logits

    with Stop() as stop, Bar(out.name, len(conditions)) as bar:
        for number, (unit, part) in enumerate(zip(units, parts, strict=True)):
            if not predictions.is_whole(part):
                normalize, batch = config.data.normalize, config.evaluation.batch_size
                _save_table(part, spectral.predict(unit, shown, forward, normalize, batch, engine.device))
            bar.advance(min(len(conditions), (number + 1) * _CONDITIONS))
            if stop.wanted:
                raise KeyboardInterrupt
    _save_table(whole, pd.concat([predictions.read_part(part).to_pandas() for part in parts]))
    files.remove(out)


def _write_saliency(session: Session, model: nn.Module, out: Path) -> None:
    """Filmstrips: for a few clips, clean and corrupted, frames and maps of at most four frames, and what was predicted.

    saliency.npz: "frames/<clip>/<condition>" uint8 (F, S, S, 3) and "<kind>/<clip>/<condition>" uint8 (F, S, S), 255
    the clip's largest value; condition "clean" or "corruption/severity". saliency.parquet: clip, id, condition, kind,
    layer, label, prediction, confidence. What is explained is the label's logit, the prediction's where there is none.
    """
    if files.is_kept(out / "saliency.npz") and files.is_kept(out / "saliency.parquet"):
        return
    clips, engine, evaluation = session.clips, session.engine, session.config.evaluation
    source = CorruptedUnits(clips, evaluation, _middle_cells(evaluation, clips, _SHOWN), ())
    arrays: dict[str, NDArray[np.generic]] = {}
    rows: list[dict[str, Any]] = []
    kinds = _kinds(session, model)
    for at, place in enumerate(_explained(session)):
        sample = clips.test[place]
        for condition, frames in source.strip(place).items():
            inputs = _input(session, torch.from_numpy(np.ascontiguousarray(frames))[None])
            shown = spread(len(frames), _SHOWN)
            arrays[f"frames/{at}/{condition}"] = frames[shown]
            with torch.no_grad(), engine.autocast():
                sure = model(inputs).float().softmax(-1)[0].cpu()
            explained = torch.tensor([sample.label if sample.label >= 0 else int(sure.argmax())])
            for kind, (layer, explain) in kinds.items():
                found = explain(inputs, explained)[0].cpu()
                arrays[f"{kind}/{at}/{condition}"] = (255 * found[shown]).round().byte().numpy()
                said = {"label": sample.label, "prediction": int(sure.argmax()), "confidence": float(sure.max())}
                rows.append({"clip": at, "id": sample.id, "condition": condition, "kind": kind, "layer": layer, **said})
    _save_arrays(out / "saliency.npz", arrays)
    _save_table(out / "saliency.parquet", pd.DataFrame(rows))


def _explained(session: Session) -> list[int]:
    """Places of the test clips whose saliency is kept: four that every run has, and two that were right when clean.

    The latter where fewer than two of the four are: a map of a wrong answer explains a mistake.
    """
    test, shared = session.clips.test, spread(len(session.clips.test), _SHOWN)
    clean = metrics.clean_rows(metrics.video_level(predictions.load(session.folder.path / "predictions.parquet")))
    right = set(clean.loc[metrics.is_right(clean), "id"])
    known = [place for place, sample in enumerate(test) if sample.id in right and place not in shared]
    lacking = max(0, _RIGHT - sum(test[place].id in right for place in shared))
    return [*shared, *(known[at] for at in spread(len(known), lacking))]


Explain = Callable[[Tensor, Tensor], Tensor]


def _kinds(session: Session, model: nn.Module) -> dict[str, tuple[str, Explain]]:
    """{kind: (layer, function)} of the explanations that this network has."""
    data = session.config.data
    blank = torch.zeros(1, data.frames, data.size, data.size, 3, dtype=torch.uint8)
    inputs, found = _input(session, blank), {}
    try:
        layer = saliency.cam_layer(model, inputs)
        saliency.grad_cam(model, inputs, torch.zeros(1, dtype=torch.long), layer)
        found["grad_cam"] = (layer.name, lambda x, y: saliency.grad_cam(model, x, y, layer))
    except saliency.Undefined as reason:
        say(f"analysis   {reason}")
    try:
        saliency.attention_rollout(model, inputs)
        found["rollout"] = ("all", lambda x, _: saliency.attention_rollout(model, x))
    except saliency.Undefined:
        pass  # the rule for most networks; saliency.py says which
    return found


def _save_table(path: Path, table: pd.DataFrame) -> None:
    files.save(path, lambda temporary: table.to_parquet(temporary, index=False), sealed=True)


def _save_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    with files.replacing(path, sealed=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
