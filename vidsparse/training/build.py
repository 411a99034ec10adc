"""What a training or an evaluation begins with: the network, its weights and its masks, on its device."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from vidsparse.config import Config, DataConfig, ModelConfig
from vidsparse.provenance import describe_sparse, describe_weights
from vidsparse.run_dir.folder import RunFolder
from vidsparse.run_dir.record import EngineRecord, ModelRecord, WeightsRecord
from vidsparse.training.topology_plan import Length, topology_plan
from vidsparse.utils.progress import say, warn

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from vidsparse.data.clips import Clips
    from vidsparse.sparsity.topology import Topology
    from vidsparse.training.session import Session


def build(config: Config, clips: "Clips", folder: RunFolder) -> "tuple[Session, nn.Module, Topology]":
    """The session of this process, and the model with its masks, on its device."""
    import torch

    from vidsparse.sparsity.layer_selection import Wanted
    from vidsparse.sparsity.topology import sparsify
    from vidsparse.training.engine import Engine
    from vidsparse.training.recipe import make_optimizer
    from vidsparse.training.session import Session

    engine = Engine(config.engine)
    torch.manual_seed(config.training.seed)
    model = engine.place(_create(config, clips, folder))
    length = Length.of(config.training, len(clips.train))
    plan = topology_plan(config.sparse, length)
    sparse = sparsify(
        model,
        make_optimizer(model, config.training.optimizer, scaled=engine.precision == "16"),
        config.sparse.method,
        config.sparse.sparsity,
        length.steps,
        config.sparse.distribution,
        config.training.seed,
        init=config.sparse.init,
        rescale_init=config.sparse.rescale_init,
        **plan.settings,
        **{each.name: getattr(config.sparse, each.name) for each in fields(Wanted)},
    )
    parameters = sum(p.numel() for p in model.parameters())
    where = f"{engine.device}, precision {engine.precision}"
    wanted: int | None = getattr(model, "narrowed_to", None)
    size = f", narrowed for {wanted:,}: {parameters:,}," if wanted else f", {parameters / 1e6:.1f} M"
    said = f"{size} parameters" if parameters else ", an exported file,"
    say(f"model      {config.model.name}{said} on {where}")
    say(f"sparse     {describe_sparse(sparse)}")
    folder.write(
        replace(
            folder.record,
            model=ModelRecord(name=config.model.name, parameters=parameters, prunable=sparse.total, wanted=wanted),
            engine=EngineRecord(device=str(engine.device), precision=engine.precision, processes=engine.world),
            plan=plan.record() if sparse.method.dynamic else None,
        )
    )
    if plan.warning:
        warn(plan.warning)
    return Session(config, clips, engine, folder), model, sparse


def _create(config: Config, clips: "Clips", folder: RunFolder) -> "nn.Module":
    """The model with the weights that it begins with; what is known of those is said and recorded."""
    from vidsparse.models.weights.pretrained import initialize

    classes, data = clips.dataset.classes, config.data
    judged = bool(config.model.weights) and not config.training.epochs
    model, weights = (_of_others if judged else _to_train)(config.model, data, classes, folder)
    if config.training.init:
        weights = initialize(model, config.model.name, data.frames, data.size, config.training.init)
    if weights:
        folder.write(replace(folder.record, weights=weights))
        for sentence in describe_weights(weights, data.normalize):
            say(f"weights    {sentence}")
    return model


def _of_others(
    wanted: ModelConfig, data: DataConfig, classes: Sequence[str], folder: RunFolder
) -> "tuple[nn.Module, WeightsRecord | None]":
    """A model that is evaluated as somebody trained it."""
    from vidsparse.models.model_rows import model_spec
    from vidsparse.models.weights.find import known_input
    from vidsparse.models.weights.pretrained import Given, evaluated

    assert wanted.weights
    given = Given(wanted.weights, wanted.labels, wanted.answers, wanted.narrowed)
    model, weights = evaluated(wanted.name, classes, data.frames, data.size, given)
    _tell_answers(weights, classes, folder)
    own = known_input(model_spec(wanted.name), wanted.weights)
    if own and own.normalize not in ("", data.normalize):
        normalize = f"data.normalize={data.normalize}"
        warn(f"{normalize}, but {wanted.name} was trained with {own.normalize}; data.normalize=auto takes that")
    return model, weights


def _to_train(
    wanted: ModelConfig, data: DataConfig, classes: Sequence[str], folder: RunFolder
) -> "tuple[nn.Module, WeightsRecord | None]":
    """A model that will be trained, or is judged as it was drawn."""
    from vidsparse.models.model_rows import model_spec
    from vidsparse.models.weights.find import find_weights
    from vidsparse.models.weights.pretrained import known_head
    from vidsparse.models.zoo import create_model

    shape = (len(classes), data.frames, data.size)
    model = create_model(wanted.name, *shape, weights=wanted.weights, narrowed=wanted.narrowed)
    if not wanted.weights:
        return model, None
    if folder.record.weights is None:  # one that was begun before goes on as it began
        known_head(classes, wanted.name, wanted.weights, wanted.labels)
    return model, WeightsRecord(sha256=find_weights(model_spec(wanted.name), wanted.weights, "model.weights").sha256)


def _tell_answers(weights: WeightsRecord, known: Sequence[str], folder: RunFolder) -> None:
    """Record what guessing among all that can be answered is worth and, where the data `known` none, the classes."""
    record = folder.record
    if weights.answers and weights.answers > len(known):
        record = replace(record, chance=1 / weights.answers)
    if record.data and not known:
        names = weights.class_names or tuple(map(str, range(weights.classes or 0)))
        record = replace(record, data=replace(record.data, classes=names))
    folder.write(record)


def digests(config: Config, read: dict["Path", str] | None = None) -> dict[str, str]:
    """{config key: digest} of the weights that a run begins with, its own photographs of frost and code of others.

    `read`: digests of files of weights that were read before, which gets those that are read now.
    """
    from corruptions.panes import digest_in_use
    from vidsparse.data.corrupted.corruptor import frost_of
    from vidsparse.loading.brought_rows import plugin_digests
    from vidsparse.models.model_rows import model_spec
    from vidsparse.models.weights.find import find_weights

    given = {"model.weights": config.model.weights, "training.init": config.training.init}
    spec, code = model_spec(config.model.name), plugin_digests(config)
    with frost_of(config.evaluation):
        frost = {"evaluation.frost_textures": name} if (name := digest_in_use()) else {}
    own, read = {}, {} if read is None else read
    for key, reference in given.items():
        if reference:
            weights = find_weights(spec, reference, key)
            own[key] = read[weights.path] = read.get(weights.path) or weights.sha256
    return own | frost | code
