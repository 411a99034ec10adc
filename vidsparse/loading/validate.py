"""Everything that a config holds and that cannot be carried out, said in one sentence before any work starts.

Nothing here changes a config; what it leaves open is settled in `resolve`.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import corruptions
from corruptions.exceptions import suggestion
from corruptions.open_table import OpenTable
from corruptions.suites import SUITE_ROWS
from vidsparse.config import SAMPLE_ROOT, Config, StudyConfig
from vidsparse.config.faults import Fail, failing
from vidsparse.config.ranges import outside
from vidsparse.data.augmix_operations import LEAST_LEVEL, OVERLAPS
from vidsparse.data.corrupted.layout import RECIPE, read_recipe
from vidsparse.data.datasets.protocols import PROTOCOLS
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.loading.evaluation_keys import check_evaluation
from vidsparse.models.model_rows import MODELS, TIMM, check_model, known_models, listed, model_spec, suggest_model
from vidsparse.models.weights.find import weights_problem
from vidsparse.recipe_rows import METRICS
from vidsparse.run_dir import dashboards
from vidsparse.sparsity.distribution import DISTRIBUTIONS
from vidsparse.sparsity.methods import METHODS, SETTINGS
from vidsparse.tasks import TASKS
from vidsparse.utils.crew import crew
from vidsparse.utils.errors import ConfigError, some
from vidsparse.utils.own_commands import typed
from vidsparse.utils.snapshots import data_root

LONGEST_NAME = 200  # bytes; file systems take 255, and ours add to it
LISTED = {  # where all names are that a key takes
    "data.source": "docs/data.md",
    "evaluation.corruptions": "corruptions.SUITES",
    "evaluation.protocol": "docs/data.md",
    "evaluation.suite": "corruptions.SUITES",
    "sparse.distribution": "docs/methods/README.md",
    "sparse.method": "docs/methods/README.md",
}
_STORED_CLIPS = ("short_side", "size", "frames", "stride", "sampling", "short")  # keys of `data` that a set tells


def validate(config: Config, origin: Mapping[str, str] | None = None) -> None:
    """Raise ConfigError, one sentence, for what a resolved config holds that cannot be; the config stays as it is.

    `origin` says where keys were set, for the sentence.
    """
    check_keys(config, origin or {})
    check_whole(config, origin or {})


def check_keys(config: Config, origin: Mapping[str, str], files: bool = True) -> None:
    """What each key must be by itself, before anything is resolved: ranges, names, and `files` that are there."""
    fail = failing(config, origin)
    for key, why in outside(config):
        raise fail(key, why)
    _check_names(config, fail)
    if files:
        _check_paths(config, fail)


def check_whole(config: Config, origin: Mapping[str, str]) -> None:
    """What the keys of a resolved config must be to each other."""
    fail = failing(config, origin)
    _check_stored(config)
    _check_numbers(config, fail)
    check_model(config.model.name, 1, config.data.frames, config.data.size)
    _check_task(config, fail)
    _check_augmix(config, fail)
    check_evaluation(config, origin)
    _check_sparse(config, fail)
    _check_analysis(config, fail)
    _check_study(config.study, fail)
    for name in config.report.metrics:
        if name not in METRICS:
            raise fail("report.metrics", f"{name} is no metric: {METRICS.hint(name)}")
    if wrong := dashboards.problem(config.logging):
        raise fail(*wrong)


def check_benchmark(config: Config, origin: Mapping[str, str]) -> None:
    """`check_whole` of an offline benchmark."""
    fail = failing(config, origin)
    _check_numbers(config, fail)
    check_evaluation(config, origin)


def _check_names(config: Config, fail: Fail) -> None:
    tables: dict[str, Iterable[str]] = {
        "data.source": SOURCES,
        "model.name": known_models(config.model.name),
        "sparse.method": METHODS,
        "evaluation.suite": SUITE_ROWS,
    }
    values = (config.data.source, config.model.name, config.sparse.method, config.evaluation.suite)
    for (key, known), value in zip(tables.items(), values, strict=True):
        if value not in known and not (key == "model.name" and _is_model(value, known)):
            raise fail(key, unknown(key, value, known))
    if config.data.eval_source is not None and config.data.eval_source not in SOURCES:
        raise fail("data.eval_source", unknown("data.source", config.data.eval_source, SOURCES))
    if config.evaluation.protocol not in (None, *PROTOCOLS):
        raise fail("evaluation.protocol", unknown("evaluation.protocol", str(config.evaluation.protocol), PROTOCOLS))
    suite = corruptions.suite(config.evaluation.suite)
    for name in config.evaluation.corruptions or ():
        if name not in suite and config.data.source != "corrupted":  # which says itself what it holds
            hint = unknown("evaluation.corruptions", name, suite)
            raise fail("evaluation.corruptions", f"{name} is not in {config.evaluation.suite}: {hint}")


def _is_model(name: str, known: Iterable[str]) -> bool:
    """Whether it is a name of timm with the tag of its weights, or what builds a network."""
    return name in MODELS or (name.startswith(TIMM) and name.partition(".")[0] in known)


def exists(path: str) -> bool:
    """Whether there is such a file or folder; never where the file system could not hold the name."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def unknown(key: str, name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not in the table of a key."""
    if key == "model.name":
        return suggest_model(name)
    return known.hint(name) if isinstance(known, OpenTable) else suggestion(name, known, LISTED[key])


def _check_paths(config: Config, fail: Fail) -> None:
    data = config.data
    control = any(ord(letter) < 32 or ord(letter) == 127 for letter in config.name)
    if not config.name or "/" in config.name or config.name.startswith(".") or control:
        raise fail("name", "it becomes a folder in logging.dir; use letters, digits, - and _")
    if len(os.fsencode(config.name)) > LONGEST_NAME:
        raise fail("name", f"it becomes a folder, whose name has at most {LONGEST_NAME} bytes")
    if data.root != SAMPLE_ROOT and not exists(str(data_root(data.root))):
        raise fail("data.root", "there is no such folder")
    for key, reference in (("model.weights", config.model.weights), ("training.init", config.training.init)):
        if reference and (why := weights_problem(config.model.name, reference)):
            raise fail(key, why)
    if config.training.init and (config.model.weights or not config.training.epochs):
        raise fail("training.init", "it begins a training, in the place of model.weights; set one of the two")
    if config.training.init and config.model.narrowed:
        raise fail("model.narrowed", "training.init are weights of whole layers, which narrower ones have no room for")
    if data.eval_source is not None and not (data.eval_root and exists(data.eval_root)):
        raise fail("data.eval_root", f"the folder of data.eval_source={data.eval_source} is not there")
    if data.eval_source is None and data.eval_root is not None:
        raise fail("data.eval_root", "it needs data.eval_source, the kind of data set that it is")
    if config.training.epochs and data.source == "corrupted":
        raise ConfigError(
            "data.source=corrupted: a corrupted set has nothing to train on; train on the data set itself, then "
            f"evaluate its weights with {typed('evaluate')}, or set training.epochs=0"
        )
    if config.training.epochs and not SOURCES[data.source].trains:
        raise fail("data.source", "there is nothing to train on in it; set training.epochs=0, or use data.eval_source")


def _check_task(config: Config, fail: Fail) -> None:
    """Refuse what the task cannot do."""
    task, mixup = TASKS[config.task], config.training.mixup
    answers = model_spec(config.model.name).task
    if answers != task.name:
        fitting = [name for name, row in MODELS.items() if row.task == task.name]
        there = f"for task={task.name} there are {some(fitting)}; all are in {listed()}"
        raise fail("model.name", f"it is made for task={answers}; {there}")
    if task.one_answer:
        return
    if mixup.mixup_alpha or mixup.cutmix_alpha:
        raise fail("training.mixup", f"with task={task.name} clips are not mixed, set both alphas to 0")
    for name in ("spectral", "saliency"):
        if getattr(config.analysis, name) is True:
            raise fail(f"analysis.{name}", f"it asks for one answer a clip, which task={task.name} has not")


def _check_augmix(config: Config, fail: Fail) -> None:
    """AugMix must fit the task and give nothing of the test away."""
    augmix, mixup = config.training.augmix, config.training.mixup
    if not augmix.severity:
        return
    if augmix.severity < LEAST_LEVEL:
        raise fail(
            "training.augmix.severity", f"levels are drawn from {LEAST_LEVEL} to it; give as much, or 0 for none"
        )
    if not TASKS[config.task].one_answer:
        raise fail("training.augmix.severity", f"with task={config.task} pixels would leave their labels; set it to 0")
    if augmix.jsd and (mixup.mixup_alpha or mixup.cutmix_alpha):
        raise fail("training.augmix.jsd", "its views are of one clip; set the alphas of training.mixup to 0")
    tested = config.evaluation.corruptions or corruptions.suite(config.evaluation.suite)
    for name in augmix.operations or ():
        if name not in OVERLAPS:
            hint = suggestion(name, OVERLAPS, "docs/config.md")
            raise fail("training.augmix.operations", f"{name} is no operation: {hint}")
        if same := [each for each in OVERLAPS[name] if each in tested]:
            raise fail("training.augmix.operations", f"{name} does what {same[0]} tests; leave one of the two out")
    if not augmix.operations:
        raise fail("training.augmix.operations", "the list is empty; use null for all that no corruption does")


def _check_numbers(config: Config, fail: Fail) -> None:
    """What numbers must be to each other."""
    data, training = config.data, config.training
    if data.size % 2 or data.short_side % 2:
        odd = "data.size" if data.size % 2 else "data.short_side"
        raise fail(odd, "sides of clips are even, as video codecs need them")
    if data.size > data.short_side:
        raise fail("data.size", f"a crop cannot be larger than data.short_side={data.short_side}")
    if training.epochs and training.schedule.warmup_epochs >= training.epochs:
        raise fail("training.schedule.warmup_epochs", f"the warm-up must end before training.epochs={training.epochs}")
    if training.accumulate > training.batch_size:
        raise fail("training.accumulate", f"a batch of {training.batch_size} clips has no more parts than clips")
    if len(set(training.schedule.milestones)) < len(training.schedule.milestones):
        raise fail("training.schedule.milestones", "an epoch stands in it twice; gamma times gamma is a lower gamma")
    if len(training.optimizer.betas) != 2:
        raise fail("training.optimizer.betas", "they are two numbers, each at least 0 and below 1")
    world, launched = config.engine.processes, crew()
    if launched and config.engine.devices not in ("auto", launched.world):
        raise fail("engine.devices", f"torchrun started {launched.world} processes; leave it at auto")
    if training.epochs and world > 1 and training.batch_size % (world * training.accumulate):
        raise fail("engine.devices", f"training.batch_size={training.batch_size} must be a multiple of it, and of "
                                     f"training.accumulate={training.accumulate} times it")  # fmt: skip
    scale = data.augment.scale
    if len(scale) != 2 or scale[0] > scale[1]:
        raise fail("data.augment.scale", "it is a range of areas [smallest, largest] with 0 < smallest <= largest <= 1")


def _check_analysis(config: Config, fail: Fail) -> None:
    analysis = config.analysis
    if analysis.fourier % 2 == 0:
        raise fail("analysis.fourier", "it is an odd number, so that the middle one is the constant")
    if len(set(analysis.radii or ())) < len(analysis.radii or ()):
        raise fail("analysis.radii", "a radius stands in it twice")
    if any(radius > config.data.size for radius in analysis.radii or ()):
        raise fail("analysis.radii", f"radii go from 1 to data.size={config.data.size}")


def _check_study(study: StudyConfig, fail: Fail) -> None:
    if not study.methods:
        return
    for name in study.methods:
        if name not in METHODS:
            raise fail("study.methods", f"{name} is no method: {unknown('sparse.method', name, METHODS)}")
    for name in study.distributions or ():
        if name not in DISTRIBUTIONS:
            hint = unknown("sparse.distribution", name, DISTRIBUTIONS)
            raise fail("study.distributions", f"{name} is no distribution: {hint}")
    for axis in ("sparsities", "seeds", "distributions"):
        if getattr(study, axis) == []:
            raise fail(f"study.{axis}", "the list is empty")
    for axis in ("methods", "sparsities", "seeds", "models", "distributions"):
        if len(set(getattr(study, axis) or ())) < len(getattr(study, axis) or ()):
            raise fail(f"study.{axis}", "one of them stands in it twice")


def _check_sparse(config: Config, fail: Fail) -> None:
    """What the settings of a sparse method must be, and be to each other."""
    sparse, row = config.sparse, METHODS[config.sparse.method]
    if not row.sparse:
        return
    if not config.training.epochs:
        raise fail("sparse.method", "with training.epochs=0 nothing is trained; dense evaluates weights as they are")
    if not 0 < sparse.sparsity < 1:
        raise fail("sparse.sparsity", "it is the share of zeros: above 0 and below 1")
    if sparse.rescale_init and sparse.init != "random":
        raise fail("sparse.rescale_init", "it is for random weights; trained ones have the scale that they learned")
    for name, declared in SETTINGS.items():
        value = getattr(sparse, name)
        left_open = value is None or (declared.auto and value == "auto")
        if not left_open and (why := declared.problem(value)):
            raise fail(f"sparse.{name}", why)
    for each in row.own:
        value = sparse.settings.get(each.name, each.value)
        if why := each.declared.problem(value):
            raise ConfigError(f"sparse.settings.{each.name}={value}: {why}")
    if sparse.initial_density is not None and sparse.initial_density <= 1 - sparse.sparsity:
        target = f"sparse.sparsity={sparse.sparsity:g} leaves a density of {1 - sparse.sparsity:g}"
        raise fail("sparse.initial_density", f"{target} in the end, which the start must lie above; 1 starts dense")


def _check_stored(config: Config) -> None:
    """Does a run fit the corrupted set of ours that it evaluates on?"""
    root = data_root(config.data.root)
    if config.data.source != "corrupted" or not (root / RECIPE).is_file():
        return
    evaluation, data, recipe = config.evaluation, config.data, read_recipe(root)
    if evaluation.canvas != recipe.canvas:
        raise ConfigError(
            f"evaluation.canvas={evaluation.canvas}: the benchmark {root} was corrupted on the canvas "
            f"{recipe.canvas}, and pixels corrupted there are others; set evaluation.canvas={recipe.canvas}"
        )
    asked: dict[str, Any] = {f"data.{key}": getattr(data, key) for key in _STORED_CLIPS}
    asked["data.sampling"] = evaluation.sampling or data.sampling
    asked["evaluation.views"] = evaluation.views
    for key, given in asked.items():
        held = getattr(recipe, key.rpartition(".")[2])
        if held is not None and held != given:
            what = "size" if key.endswith(("size", "side")) else "protocol"
            raise ConfigError(
                f"{key}={given}: the benchmark {root} holds the frames of one {what} alone, with {key}={held}; set it "
                "to that"
            )
