"""Every name and combination of a config that cannot be carried out, said in one sentence before any work starts."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import corruptions
from corruptions.errors import suggestion
from vidsparse.compose import COMMAND_LINE, compose
from vidsparse.config import SAMPLE_ROOT, Config, SparseConfig
from vidsparse.config.ranges import outside
from vidsparse.data.datasets.protocols import PROTOCOLS
from vidsparse.data.datasets.sources import SOURCES
from vidsparse.models.weights.find import native_input, weights_problem
from vidsparse.models.zoo import MODELS, check_model, known_models, listed, model_spec, suggest_model
from vidsparse.sparsity.distribution import DISTRIBUTIONS
from vidsparse.sparsity.methods import METHODS, SETTINGS, Method
from vidsparse.tasks import TASKS
from vidsparse.utils.errors import ConfigError, some

LONGEST_NAME = 200  # bytes; file systems take 255, and ours add to it
LISTED = {  # where all names are that a key takes
    "data.source": "docs/data.md",
    "evaluation.corruptions": "corruptions.SUITES",
    "evaluation.protocol": "docs/data.md",
    "evaluation.suite": "corruptions.SUITES",
    "sparse.distribution": "docs/methods/README.md",
    "sparse.method": "docs/methods/README.md",
}
Fail = Callable[[str, str], ConfigError]


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config file, or a shipped one by name, apply `key=value` overrides, and check it.

    Raises:
        ConfigError: one sentence naming the key, its value, where it was set, and the nearest valid name.
    """
    config, origin = compose(path, overrides)
    check(config, origin)
    return config


def load_benchmark_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read the config of an offline benchmark and check what concerns it: neither model nor training."""
    config, origin = compose(path, overrides)
    config.training.epochs = 0  # so that test sets will do as a source
    fail = _failing(config, origin)
    check_ranges(config, fail)
    _check_names(config, fail)
    if config.benchmark.stage != "verify" or config.benchmark.deep:  # which need the source
        _check_paths(config, origin, fail)
    _settle_input(config)
    _settle_protocol(config, origin, fail)
    _check_numbers(config, fail)
    _check_evaluation(config, fail)
    return config


def check(config: Config, origin: Mapping[str, str]) -> None:
    """Raise ConfigError for what cannot be; fill in what the method's row leaves to it."""
    fail = _failing(config, origin)
    check_ranges(config, fail)
    _check_names(config, fail)
    _check_paths(config, origin, fail)
    _settle_input(config)
    _settle_protocol(config, origin, fail)
    if config.data.source == "corrupted":
        from vidsparse.data.settle import settle

        settle(config, origin)
    _check_numbers(config, fail)
    check_model(config.model.name, 1, config.data.frames, config.data.size)
    _settle_task(config, fail)
    _check_evaluation(config, fail)
    _settle_sparsity(config, origin, fail)
    _check_analysis(config, fail)
    _check_study(config, fail)


def _failing(config: Config, origin: Mapping[str, str]) -> Fail:
    """The error of a key and why it cannot be."""

    def fail(key: str, why: str) -> ConfigError:
        value: object = config
        for part in key.split("."):
            value = getattr(value, part)
        return ConfigError(f"{key}={value}{' ' + origin[key] if key in origin else ''}: {why}")

    return fail


def _check_names(config: Config, fail: Fail) -> None:
    tables: dict[str, Iterable[str]] = {
        "data.source": SOURCES,
        "model.name": known_models(config.model.name),
        "sparse.method": METHODS,
        "evaluation.suite": corruptions.SUITES,
    }
    values = (config.data.source, config.model.name, config.sparse.method, config.evaluation.suite)
    for (key, known), value in zip(tables.items(), values, strict=True):
        if (value.partition(".")[0] if key == "model.name" else value) not in known:
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


def exists(path: str) -> bool:
    """Whether there is such a file or folder; never where the file system could not hold the name."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def unknown(key: str, name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not in the table of a key."""
    return suggest_model(name) if key == "model.name" else suggestion(name, known, LISTED[key])


def _check_paths(config: Config, origin: Mapping[str, str], fail: Fail) -> None:
    data = config.data
    control = any(ord(letter) < 32 or ord(letter) == 127 for letter in config.name)
    if not config.name or "/" in config.name or config.name.startswith(".") or control:
        raise fail("name", "it becomes a folder in logging.dir; use letters, digits, - and _")
    if len(os.fsencode(config.name)) > LONGEST_NAME:
        raise fail("name", f"it becomes a folder, whose name has at most {LONGEST_NAME} bytes")
    if data.root != SAMPLE_ROOT and not exists(data.root):
        raise fail("data.root", "there is no such folder")
    for key, reference in (("model.weights", config.model.weights), ("training.init", config.training.init)):
        if reference and (why := weights_problem(config.model.name, reference)):
            raise fail(key, why)
    if config.training.init and (config.model.weights or not config.training.epochs):
        raise fail("training.init", "it begins a training, in the place of model.weights; set one of the two")
    if data.eval_source is not None and not (data.eval_root and exists(data.eval_root)):
        raise fail("data.eval_root", f"the folder of data.eval_source={data.eval_source} is not there")
    if data.eval_source is None and data.eval_root is not None:
        raise fail("data.eval_root", "it needs data.eval_source, the kind of data set that it is")
    if config.training.epochs and not SOURCES[data.source].trains:
        raise fail("data.source", "there is nothing to train on in it; set training.epochs=0, or use data.eval_source")


def _settle_task(config: Config, fail: Fail) -> None:
    """Refuse what the task cannot do, and leave out what asks for one answer a clip where there is none."""
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
        setattr(config.analysis, name, False)
    config.model.answers = "data"


def _settle_input(config: Config) -> None:
    """Put what the weights or the model were made for in the place of 0 and auto."""
    data = config.data
    if data.normalize != "auto" and data.frames and data.short_side and data.size:
        return
    native = native_input(model_spec(config.model.name), config.model.weights or config.training.init)
    data.frames = data.frames or native.frames
    data.size = data.size or native.size
    data.short_side = data.short_side or max(native.short_side, data.size)
    if data.normalize == "auto":
        if not native.normalize:
            raise ConfigError(
                f"data.normalize=auto: {config.model.name} was trained with none of the presets; name one"
            )
        data.normalize = native.normalize  # type: ignore[assignment]  # the keys of NORMALIZE


def _settle_protocol(config: Config, origin: Mapping[str, str], fail: Fail) -> None:
    """Put what the protocol says in the place of what the files say; the command line must not say otherwise."""
    if config.evaluation.protocol is None:
        return
    for name, value in PROTOCOLS[config.evaluation.protocol].settings.items():
        key = f"evaluation.{name}"
        if origin.get(key) == COMMAND_LINE and getattr(config.evaluation, name) != value:
            raise fail(key, f"evaluation.protocol={config.evaluation.protocol} sets it to {value}; give one of the two")
        setattr(config.evaluation, name, value)


def check_ranges(config: Config, fail: Fail) -> None:
    """Refuse each number that is not in the range that stands beside its field."""
    for key, why in outside(config):
        raise fail(key, why)


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
    if len(training.optimizer.betas) != 2:
        raise fail("training.optimizer.betas", "they are two numbers, each at least 0 and below 1")
    world = processes(config)
    if training.batch_size % (world * training.accumulate) and world > 1:
        raise fail("engine.devices", f"training.batch_size={training.batch_size} must be a multiple of it, and of "
                                     f"training.accumulate={training.accumulate} times it")  # fmt: skip
    scale = data.augment.scale
    if len(scale) != 2 or scale[0] > scale[1]:
        raise fail("data.augment.scale", "it is a range of areas [smallest, largest] with 0 < smallest <= largest <= 1")


def processes(config: Config) -> int:
    """How many processes an experiment runs in."""
    return 1 if config.engine.devices == "auto" else config.engine.devices


def _check_evaluation(config: Config, fail: Fail) -> None:
    evaluation = config.evaluation
    severities = evaluation.severities or []
    if len(set(severities)) < len(severities):
        raise fail("evaluation.severities", "a severity stands in it twice")
    if evaluation.severities == [] or evaluation.corruptions == []:
        empty = "severities" if evaluation.severities == [] else "corruptions"
        raise fail(f"evaluation.{empty}", "the list is empty; use null for all of the suite")
    if evaluation.frost_textures:
        try:
            with corruptions.frost_textures(evaluation.frost_textures):
                pass
        except corruptions.CorruptionError as error:
            raise fail("evaluation.frost_textures", str(error)) from error
    if evaluation.crops > 1 and evaluation.canvas == "crop":
        raise fail("evaluation.crops", "canvas crop has one, the centre; more need evaluation.canvas=frame")
    reference = evaluation.reference
    if reference not in (None, "auto") and not (Path(reference) / "predictions.parquet").is_file():
        raise fail("evaluation.reference", "it is auto, null or a run folder with a predictions.parquet")


def _check_analysis(config: Config, fail: Fail) -> None:
    analysis = config.analysis
    if analysis.fourier % 2 == 0:
        raise fail("analysis.fourier", "it is an odd number, so that the middle one is the constant")
    if any(radius > config.data.size for radius in analysis.radii or ()):
        raise fail("analysis.radii", f"radii go from 1 to data.size={config.data.size}")


def _check_study(config: Config, fail: Fail) -> None:
    study = config.study
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


def _settle_sparsity(config: Config, origin: Mapping[str, str], fail: Fail) -> None:
    """Dense runs carry no sparse settings; others have those of their method's row where the config is silent."""
    sparse, row = config.sparse, METHODS[config.sparse.method]
    if not row.sparse:
        config.sparse = SparseConfig(method=row.name)
        return
    if not config.training.epochs:
        raise fail("sparse.method", "with training.epochs=0 nothing is trained; dense evaluates weights as they are")
    if not 0 < sparse.sparsity < 1:
        raise fail("sparse.sparsity", "it is the share of zeros: above 0 and below 1")
    if sparse.init == "auto":
        sparse.init = "magnitude" if config.model.weights or config.training.init else "random"
    if sparse.rescale_init and sparse.init != "random":
        raise fail("sparse.rescale_init", "it is for random weights; trained ones have the scale that they learned")
    _settle_interval(config, origin, row, fail)
    for name in SETTINGS:
        if name not in row.settings:
            if origin.get(f"sparse.{name}") == COMMAND_LINE:
                page = f"docs/methods/{row.name}.md"
                raise fail(f"sparse.{name}", f"{row.name} has no such setting; all that it has are in {page}")
            setattr(sparse, name, None)
            continue
        if name == "every" and sparse.every_epochs is not None:
            continue
        if getattr(sparse, name) is None:
            setattr(sparse, name, "auto" if name == "grow_window" else row.settings[name])
        if name == "initial_density":
            _settle_start(config, origin, fail)
        value = getattr(sparse, name)
        if (name, value) != ("grow_window", "auto") and (why := SETTINGS[name].problem(value)):
            raise fail(f"sparse.{name}", why)
    _settle_own(config, origin, row, fail)


def _settle_own(config: Config, origin: Mapping[str, str], row: Method, fail: Fail) -> None:
    """Settings that the method alone has: as given, else as its row says."""
    given, own = config.sparse.settings, {each.name: each for each in row.own}
    for name in given.keys() - own:
        if origin.get(f"sparse.settings.{name}") == COMMAND_LINE:
            has = unknown(name, own) if own else f"{row.name} has none of its own"
            raise ConfigError(f"sparse.settings.{name} {COMMAND_LINE}: {row.name} has no such setting; {has}")
    config.sparse.settings = {name: given.get(name, each.value) for name, each in own.items()}
    for name, value in config.sparse.settings.items():
        if why := own[name].declared.problem(value):
            raise ConfigError(f"sparse.settings.{name}={value}: {why}")


def _settle_start(config: Config, origin: Mapping[str, str], fail: Fail) -> None:
    """A start that is not denser than the end: refused where somebody says it, dense where it is the method's own."""
    sparse = config.sparse
    assert sparse.initial_density is not None
    if sparse.initial_density > 1 - sparse.sparsity:
        return
    if "sparse.initial_density" in origin:
        target = f"sparse.sparsity={sparse.sparsity:g} leaves a density of {1 - sparse.sparsity:g}"
        raise fail("sparse.initial_density", f"{target} in the end, which the start must lie above; 1 starts dense")
    sparse.initial_density = 1.0


def _settle_interval(config: Config, origin: Mapping[str, str], row: Method, fail: Fail) -> None:
    """An interval in epochs stands in the place of one in steps, for methods that have one."""
    sparse = config.sparse
    if sparse.every_epochs is None:
        return
    if "every" not in row.settings:
        if origin.get("sparse.every_epochs") == COMMAND_LINE:
            raise fail("sparse.every_epochs", f"{row.name} never changes its topology")
        sparse.every_epochs = None
    elif not 0 < sparse.every_epochs < float("inf"):
        raise fail("sparse.every_epochs", "it must be a number of epochs above 0")
