"""From the config that somebody wrote to the complete one that is carried out.

What the weights, the model, the protocol, a stored corrupted set, the task and the method settle is settled here and
nowhere else. Every step takes a config and gives a new one. To resolve twice is to resolve once.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import reduce
from typing import Any

from corruptions.exceptions import nearest
from corruptions.suites import suite
from vidsparse.config import AugmixConfig, Config, SparseConfig
from vidsparse.config.change import changed
from vidsparse.config.compose import COMMAND_LINE
from vidsparse.config.faults import failing
from vidsparse.data.augmix_operations import operations_for
from vidsparse.data.corrupted.layout import RECIPE, read_recipe
from vidsparse.data.datasets.protocols import PROTOCOLS
from vidsparse.models.model_rows import model_spec
from vidsparse.models.weights.find import native_input
from vidsparse.sparsity.methods import METHODS, SETTINGS, Method
from vidsparse.tasks import TASKS
from vidsparse.utils.crew import crew
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.snapshots import data_root

Origin = Mapping[str, str]  # where keys were set: {dotted key: place}
STORED = ("suite", "resolution", "corruption_seed")  # keys of `evaluation` that a corrupted set of ours says itself


def resolve(config: Config, origin: Origin | None = None) -> Config:
    """The config with everything that it leaves open put in; `validate.check_keys` has passed.

    Raises:
        ConfigError: the command line says one thing, and what settles the key another.
    """
    steps = (_processes, _input, _protocol, _stored, _task, _sparse, _augmix)
    return reduce(lambda made, step: step(made, origin or {}), steps, config)


def resolve_benchmark(config: Config, origin: Origin) -> Config:
    """That of an offline benchmark, where neither a model nor a training is looked at. Raises as `resolve`."""
    return _protocol(_input(without_training(config), origin), origin)


def without_training(config: Config) -> Config:
    """The config of an evaluation."""
    return changed(config, {"training.epochs": 0})


def _processes(config: Config, origin: Origin) -> Config:
    """As many as torchrun started, where it did."""
    launched = crew()
    if not launched or config.engine.devices != "auto":
        return config
    return changed(config, {"engine.devices": launched.world})


def _input(config: Config, origin: Origin) -> Config:
    """What the weights or the model were made for, in the place of 0 and auto."""
    data = config.data
    if data.normalize != "auto" and data.frames and data.short_side and data.size:
        return config
    native = native_input(model_spec(config.model.name), config.model.weights or config.training.init)
    normalize = native.normalize if data.normalize == "auto" else data.normalize
    if not normalize:
        raise ConfigError(f"data.normalize=auto: {config.model.name} was trained with none of the presets; name one")
    size = data.size or native.size
    settled = {"frames": data.frames or native.frames, "size": size, "normalize": normalize}
    settled["short_side"] = data.short_side or max(native.short_side, size)
    return changed(config, {f"data.{name}": value for name, value in settled.items()})


def _protocol(config: Config, origin: Origin) -> Config:
    """What the protocol says, in the place of what the files say; the command line must not say otherwise."""
    name = config.evaluation.protocol
    if name is None:
        return config
    _refuse_other(config, origin, PROTOCOLS[name].settings, f"evaluation.protocol={name} sets it to {{}}; give one of "
                                                            "the two")  # fmt: skip
    return changed(config, {f"evaluation.{key}": value for key, value in PROTOCOLS[name].settings.items()})


def _stored(config: Config, origin: Origin) -> Config:
    """What a corrupted set of ours says of itself."""
    root = data_root(config.data.root)
    if config.data.source != "corrupted" or not (root / RECIPE).is_file():
        return config
    recipe = read_recipe(root)
    settled = {key: getattr(recipe, key) for key in STORED}
    made = settled if config.evaluation.temporal is None else {**settled, "temporal": recipe.temporal}
    _refuse_other(config, origin, made, f"the benchmark {root} was made with {{}}")
    return changed(config, {f"evaluation.{key}": value for key, value in {**settled, "temporal": None}.items()})


def _refuse_other(config: Config, origin: Origin, settled: Mapping[str, Any], why: str) -> None:
    """Raise where the command line gives a key of `evaluation` another value than it is settled to."""
    for key, value in settled.items():
        typed = origin.get(f"evaluation.{key}") == COMMAND_LINE
        if typed and getattr(config.evaluation, key) != value:
            raise failing(config, origin)(f"evaluation.{key}", why.format(value))


def _task(config: Config, origin: Origin) -> Config:
    """Without what asks for one answer a clip, where the task has none."""
    if TASKS[config.task].one_answer:
        return config
    auto = [f"analysis.{name}" for name in ("spectral", "saliency") if getattr(config.analysis, name) == "auto"]
    return changed(config, {"model.answers": "data", **dict.fromkeys(auto, False)})


def _sparse(config: Config, origin: Origin) -> Config:
    """No sparse settings for dense runs; for others those of their method's row where the config is silent."""
    sparse, row = config.sparse, METHODS[config.sparse.method]
    if not row.sparse:
        return changed(config, {"sparse": SparseConfig(method=row.name)})
    _refuse_foreign(config, origin, row)
    trained = config.model.weights or config.training.init
    first = sparse.init if sparse.init != "auto" else "magnitude" if trained else "random"
    epochs = sparse.every_epochs if "every" in row.settings else None
    own = {each.name: sparse.settings.get(each.name, each.value) for each in row.own}
    settled = {name: _setting(sparse, row, name) for name in SETTINGS}
    if epochs is not None:
        settled["every"] = sparse.every
    start = settled["initial_density"]
    if start is not None and start <= 1 - sparse.sparsity and "sparse.initial_density" not in origin:
        settled["initial_density"] = 1.0  # the method's own start is not denser than the end
    settled |= {"init": first, "every_epochs": epochs, "settings": own}
    return changed(config, {f"sparse.{name}": value for name, value in settled.items()})


def _augmix(config: Config, origin: Origin) -> Config:
    """The operations of AugMix that no corruption of the evaluation does; none where there is no AugMix."""
    if not config.training.augmix.severity:
        _refuse_unused_augmix(config, origin)
        return changed(config, {"training.augmix": AugmixConfig()})
    named = config.training.augmix.operations
    tested = config.evaluation.corruptions or suite(config.evaluation.suite)
    return changed(config, {"training.augmix.operations": operations_for(tested) if named is None else named})


def _refuse_unused_augmix(config: Config, origin: Origin) -> None:
    """Raise where there are settings of AugMix and no severity; files may keep them where somebody sets it to 0."""
    augmix, off, silent = config.training.augmix, AugmixConfig(), "training.augmix.severity" not in origin
    for key in (f"training.augmix.{f.name}" for f in fields(off) if getattr(augmix, f.name) != getattr(off, f.name)):
        if silent or origin.get(key) == COMMAND_LINE:
            raise failing(config, origin)(
                key, "it does nothing without training.augmix.severity, which is 3 in the paper"
            )


def _setting(sparse: SparseConfig, row: Method, name: str) -> Any:
    """The value of a setting: as given, else that of the row; None where the method has no such setting."""
    if name not in row.settings:
        return None
    given = getattr(sparse, name)
    return given if given is not None else "auto" if SETTINGS[name].auto else row.settings[name]


def _refuse_foreign(config: Config, origin: Origin, row: Method) -> None:
    """Raise where the command line sets what this method does not have; what files set is for other methods."""
    fail, typed = failing(config, origin), {key for key, place in origin.items() if place == COMMAND_LINE}
    if "every" not in row.settings and config.sparse.every_epochs is not None and "sparse.every_epochs" in typed:
        raise fail("sparse.every_epochs", f"{row.name} never changes its topology")
    page = f"docs/methods/{row.name}.md"
    for name in SETTINGS:
        if name not in row.settings and f"sparse.{name}" in typed:
            raise fail(f"sparse.{name}", f"{row.name} has no such setting; all that it has are in {page}")
    own = [each.name for each in row.own]
    for name in config.sparse.settings:
        if name not in own and f"sparse.settings.{name}" in typed:
            close = nearest(name, own)
            has = f"did you mean {close}?" if close else f"of its own it has {', '.join(own) or 'none'}"
            raise ConfigError(f"sparse.settings.{name} {COMMAND_LINE}: {row.name} has no such setting; {has}")
