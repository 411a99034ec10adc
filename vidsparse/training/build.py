"""What a training or an evaluation begins with: the network, its weights and its masks, on its device."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.data.sampling import batches_per_epoch
from vidsparse.provenance import describe_sparse, describe_weights
from vidsparse.run_dir.folder import RunFolder
from vidsparse.run_dir.record import EngineRecord, ModelRecord, WeightsRecord
from vidsparse.training.topology_plan import settings_in_steps, topology_plan
from vidsparse.utils.progress import say, warn

if TYPE_CHECKING:
    from torch import nn

    from vidsparse.data.clips import Clips
    from vidsparse.sparsity.topology import Topology
    from vidsparse.training.session import Session


def build(config: Config, clips: "Clips", folder: RunFolder) -> "tuple[Session, nn.Module, Topology]":
    """The session of this process, and the model with its masks, on its device."""
    import torch

    from vidsparse.sparsity.layer_selection import CHOICES
    from vidsparse.sparsity.topology import sparsify
    from vidsparse.training.engine import Engine
    from vidsparse.training.recipe import make_optimizer
    from vidsparse.training.session import Session

    engine = Engine(config.engine)
    torch.manual_seed(config.training.seed)
    model = engine.place(_create(config, clips, folder))
    per_epoch = batches_per_epoch(len(clips.train), config.training.batch_size)
    settings = settings_in_steps(config, per_epoch) | {key: getattr(config.sparse, key) for key in CHOICES}
    sparse = sparsify(
        model,
        make_optimizer(model, config.training.optimizer, scaled=engine.precision == "16"),
        config.sparse.method,
        config.sparse.sparsity,
        per_epoch * config.training.epochs,
        config.sparse.distribution,
        config.training.seed,
        init=config.sparse.init,
        rescale_init=config.sparse.rescale_init,
        **settings,
    )
    parameters = sum(p.numel() for p in model.parameters())
    where = f"{engine.device}, precision {engine.precision}"
    say(f"model      {config.model.name}, {parameters / 1e6:.1f} M parameters on {where}")
    say(f"sparse     {describe_sparse(sparse)}")
    folder.write(
        replace(
            folder.record,
            model=ModelRecord(name=config.model.name, parameters=parameters, prunable=sparse.total),
            engine=EngineRecord(device=str(engine.device), precision=engine.precision, processes=engine.world),
            plan=topology_plan(config, per_epoch).record() if sparse.method.dynamic else None,
        )
    )
    return Session(config, clips, engine, folder), model, sparse


def _create(config: Config, clips: "Clips", folder: RunFolder) -> "nn.Module":
    """The model with the weights that it begins with; what is known of those is said and recorded."""
    from vidsparse.models.weights.find import native_input
    from vidsparse.models.weights.pretrained import Given, evaluated, initialize, known_head
    from vidsparse.models.zoo import create_model, model_spec

    name, classes, data = config.model.name, clips.dataset.classes, config.data
    weights: WeightsRecord | None = None
    if config.model.weights and not config.training.epochs:
        given = Given(config.model.weights, config.model.labels, config.model.answers)
        model, weights = evaluated(name, classes, data.frames, data.size, given)
        _tell_answers(weights, classes, folder)
        own = native_input(model_spec(name), config.model.weights).normalize
        if own not in ("", data.normalize):
            warn(f"data.normalize={data.normalize}, but {name} was trained with {own}; data.normalize=auto takes that")
    else:
        model = create_model(name, len(classes), data.frames, data.size, config.model.weights)
        if config.model.weights:
            if folder.record.weights is None:  # one that was begun before goes on as it began
                known_head(classes, name, config.model.weights, config.model.labels)
            weights = WeightsRecord(sha256=digests(config)["model.weights"])
    if config.training.init:
        weights = initialize(model, name, data.frames, data.size, config.training.init)
    if weights:
        folder.write(replace(folder.record, weights=weights))
        for sentence in describe_weights(weights, data.normalize):
            say(f"weights    {sentence}")
    return model


def _tell_answers(weights: WeightsRecord, known: Sequence[str], folder: RunFolder) -> None:
    """Record what guessing among all that can be answered is worth and, where the data `known` none, the classes."""
    record = folder.record
    if weights.answers and weights.answers > len(known):
        record = replace(record, chance=1 / weights.answers)
    if record.data and not known:
        names = weights.class_names or tuple(map(str, range(weights.classes or 0)))
        record = replace(record, data=replace(record.data, classes=names))
    folder.write(record)


def digests(config: Config) -> dict[str, str]:
    """{config key: digest} of the weights that a run begins with, its own photographs of frost and code of others."""
    from corruptions.panes import digest_in_use
    from vidsparse.data.corrupted.corruptor import frost_of
    from vidsparse.loading.brought_rows import plugin_digests
    from vidsparse.models.weights.find import find_weights
    from vidsparse.models.zoo import model_spec

    given = {"model.weights": config.model.weights, "training.init": config.training.init}
    spec, code = model_spec(config.model.name), plugin_digests(config)
    with frost_of(config.evaluation):
        frost = {"evaluation.frost_textures": name} if (name := digest_in_use()) else {}
    own = {key: find_weights(spec, reference, key).sha256 for key, reference in given.items() if reference}
    return own | frost | code
