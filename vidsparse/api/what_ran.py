"""The record of an evaluation from Python: what run.json says of it, so that reports and comparisons read it."""

import hashlib
from dataclasses import replace

import torch
from torch import nn

from vidsparse.api.asked import Asked
from vidsparse.api.given_clips import GivenClips
from vidsparse.api.given_network import GivenNetwork, modules_of, place_of
from vidsparse.api.labelling import Labels
from vidsparse.config import Config, identity
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.corrupted.corruptor import frost_of
from vidsparse.experiment import fingerprint_of
from vidsparse.models import exported_files
from vidsparse.models.exported import Exported
from vidsparse.provenance import data_record, versions
from vidsparse.run_dir.record import VERSION, EngineRecord, ModelRecord, RunRecord, TopologyRecord, WeightsRecord
from vidsparse.sparsity.masks import prunable


def record_of(asked: Asked, config: Config, clips: Clips, network: GivenNetwork, labels: Labels) -> RunRecord:
    """What is known once a network has answered; times and what it left undecided are added by who asked."""
    classes = clips.dataset.classes
    answers = len(labels.rows) if labels.rows else (network.seen or 0)
    present = {sample.label for sample in clips.test if sample.label >= 0}
    data = data_record(clips, len(present), labelled=bool(present))
    if isinstance(clips, GivenClips):
        data = replace(data, description=clips.dataset.name)
    if not classes:
        names = labels.names or tuple(map(str, range(network.seen or 0)))
        data = replace(data, classes=names)
    device = place_of(asked.model)[0]
    weights = digest_of(asked)
    with frost_of(config.evaluation):
        fingerprint = fingerprint_of(cells_of(clips, config.evaluation))
    mine = {**identity(config), "data fingerprint": clips.fingerprint, "model.weights": weights}
    return RunRecord(
        version=VERSION,
        identity=mine | ({"data.normalize": said} if (said := _scale(network)) else {}),
        name=asked.name,
        command="vidsparse.evaluate(...)",
        reference_wanted=None,
        chance=1 / answers if present and answers else None,
        versions=versions(),
        data=data,
        model=_model_record(asked),
        engine=EngineRecord(device=str(device), precision=asked.precision, processes=1),
        weights=WeightsRecord(
            sha256=weights,
            origin="a network given from Python",
            notes=tuple(filter(None, [f"normalised by {_scale(network)}" if _scale(network) else ""])),
            labels=labels.how,
            classes=network.seen,
            answers=answers,
            class_names=labels.names or None,
            joined=labels.joined,
        ),
        topology=_topology_record(asked),
        corruptions_fingerprint=fingerprint,
    )


def digest_of(asked: Asked) -> str:
    """SHA-256 of a network's parameters and buffers, their names and types, and of the files of networks that another
    runtime carries out; of nothing for a bare function.

    Buffers that no state dictionary holds count too: a network may answer by one, such as a mask or a table.
    """
    found = hashlib.sha256()
    for network in modules_of(asked.model):
        for name, tensor in sorted((network.state_dict() | _unsaved(network)).items()):
            if isinstance(tensor, torch.Tensor):
                plain = tensor.detach().cpu().contiguous()
                found.update(f"{name} {plain.dtype} {tuple(plain.shape)}\0".encode())
                found.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
        for name, inner in network.named_modules():
            if isinstance(inner, Exported):
                found.update(f"{name} exported {exported_files.digest(inner.path)}\0".encode())
    return found.hexdigest()


def _unsaved(network: nn.Module) -> dict[str, torch.Tensor | None]:
    """The buffers that are not persistent, by name."""
    return {
        f"{name}.{buffer}".lstrip("."): inner._buffers[buffer]
        for name, inner in network.named_modules()
        for buffer in inner._non_persistent_buffers_set & inner._buffers.keys()
    }


def _scale(network: GivenNetwork) -> str:
    return f"mean {network.scale.mean}, std {network.scale.std}" if network.scale else ""


def _model_record(asked: Asked) -> ModelRecord:
    networks = modules_of(asked.model)
    count = sum(each.numel() for network in networks for each in network.parameters())
    return ModelRecord(name=asked.name, parameters=count, prunable=sum(w.numel() for w in _weights(asked)))


def _topology_record(asked: Asked) -> TopologyRecord:
    """The zeros that are there: all that is known of a network that somebody else trained."""
    weights = _weights(asked)
    total, nonzero = sum(w.numel() for w in weights), sum(int(w.count_nonzero()) for w in weights)
    return TopologyRecord(method="given", sparsity=0.0, seed=0, updates=0, changed=0, nonzero=nonzero, total=total)


def _weights(asked: Asked) -> list[torch.Tensor]:
    return [weight for network in modules_of(asked.model) for weight in prunable(network).values()]
