"""Which runs a study is made of: each an ordinary config in a folder of the study, in the order they are done."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from vidsparse.config import Config, StudyConfig
from vidsparse.config.change import changed
from vidsparse.config.compose import COMMAND_LINE
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.loading import load_config
from vidsparse.loading.validate import unknown
from vidsparse.models.model_rows import model_spec
from vidsparse.sparsity.methods import METHODS, SETTINGS
from vidsparse.study.control_arms import ControlArm, control_arms
from vidsparse.study.spelling import spelled
from vidsparse.utils.errors import ConfigError

CONTROLS = ("dense", "static")
UNIFORM, NEARLY_DENSE = "uniform", 0.3  # up to this sparsity erk masks few layers, such as 3 of 54 at 0.1


@dataclass(frozen=True)
class Planned:
    """One run of a study. `data` and `model` are labels; the dense control has sparsity 0 and no distribution.

    `variant` is the name of a further arm (`study.controls`), empty for methods and their two controls.
    """

    data: str
    model: str
    method: str
    sparsity: float
    distribution: str
    seed: int
    config: Config
    variant: str = ""

    @property
    def name(self) -> str:
        """The run's name, that of its folder."""
        return self.config.name

    @property
    def folder(self) -> Path:
        """The run folder, `runs/<study>/<name>`."""
        return self.config.folder

    @property
    def arm(self) -> tuple[str, str, str, float, str, str]:
        """What the run has in common with its siblings of other seeds."""
        return self.data, self.model, self.method, self.sparsity, self.distribution, self.variant


def plan(path: str | Path, overrides: Sequence[str], base: Config) -> tuple[Planned, ...]:
    """The runs of the study `base`, which `path` and `overrides` compose to; every config is checked.

    By data set, model and seed the dense control comes first, then by sparsity and distribution the static control and
    the methods, so that gains can be told as soon as possible. A run's name says its distribution where that is not the
    config's own. Raises ConfigError for an unknown name, naming the nearest.
    """
    study = base.study
    runs = []
    for data, settings in _data_axis(base):
        for model in study.models or [""]:
            if model:
                _check_model(model)
            settings = [*settings, *([f"model.name={model}"] if model else [])]
            arms, own = {}, _own_distribution(path, [*overrides, *settings], base)
            for method, sparsity, distribution in _arms(study, own):
                said = [f"sparse.method={method}", *([f"sparse.sparsity={sparsity}"] if sparsity else [])]
                said += [f"sparse.distribution={distribution}"] if distribution not in ("", own) else []
                typed = _without_others_settings(overrides, method)
                arms[method, sparsity, distribution, ""] = _load(path, [*typed, *settings, *said], base.folder)
            for one in control_arms(study, [key[:3] for key in arms]):
                method, sparsity, distribution, made = _control(path, [*overrides, *settings], base, one)
                arms[method, sparsity, distribution, one.variant] = made
            for seed, ((method, sparsity, distribution, variant), arm) in product(study.seeds, arms.items()):
                other = distribution if distribution != own else ""
                size = f"{100 * sparsity:g}" if sparsity else ""
                parts = (data, model.replace("/", "-"), method, size, other, variant)
                name = "_".join([part for part in parts if part] + [f"seed{seed}"])
                config = replace(arm, name=name, training=replace(arm.training, seed=seed))
                runs.append(Planned(data, arm.model.name, method, sparsity, distribution, seed, config, variant))
    twice = [name for name, count in Counter(run.name for run in runs).items() if count > 1]
    if twice:
        raise ConfigError(f"study: two runs are called {twice[0]}; give the entries of study.data names of their own")
    return tuple(runs)


def _arms(study: StudyConfig, own: str) -> Iterator[tuple[str, float, str]]:
    """(method, sparsity, distribution) of every arm: dense, then static and the methods asked for.

    `own` is the distribution of the config.
    """
    yield "dense", 0.0, ""
    for sparsity in study.sparsities:
        both = (own, UNIFORM) if sparsity <= NEARLY_DENSE else (own,)
        for distribution in dict.fromkeys(both if study.distributions is None else study.distributions):
            yield "static", sparsity, distribution
            yield from ((method, sparsity, distribution) for method in study.methods if method not in CONTROLS)


def _control(
    path: str | Path, overrides: Sequence[str], base: Config, one: ControlArm
) -> tuple[str, float, str, Config]:
    """Method, sparsity, distribution and config of a further arm."""
    asked = {key: value for key, _, value in (word.partition("=") for word in one.settings)}
    method = one.method or asked.get("sparse.method") or base.sparse.method
    if method not in METHODS:
        raise ConfigError(f"study.controls: {method} is no method: {unknown('sparse.method', method, METHODS)}")
    said = [f"sparse.method={method}"]
    said += [f"sparse.sparsity={one.sparsity}"] if one.sparsity and method != "dense" else []
    said += [f"sparse.distribution={one.distribution}"] if one.distribution else []
    if method != "dense" and not one.sparsity and "sparse.sparsity" not in asked:
        said.append(f"sparse.sparsity={base.study.sparsities[0]}")
    made = _load(path, [*_without_others_settings(overrides, method), *said, *one.settings], base.folder)
    sparse = made.sparse
    sparsity = one.sparsity or (sparse.sparsity if method != "dense" else 0.0)
    return method, sparsity, sparse.distribution if method != "dense" else "", made


def _own_distribution(path: str | Path, overrides: Sequence[str], base: Config) -> str:
    """The distribution that the config says, also where its own method is dense and has none."""
    typed = _without_others_settings(overrides, "static")
    sparsity = f"sparse.sparsity={base.study.sparsities[0]}"
    return _load(path, [*typed, "sparse.method=static", sparsity], base.folder).sparse.distribution


def _data_axis(base: Config) -> Iterator[tuple[str, list[str]]]:
    """(label, settings) of each entry of study.data; one entry without a label where there is none."""
    if not base.study.data:
        yield "", []
    for entry in base.study.data:
        if isinstance(entry, str):
            if entry not in SOURCES:
                raise ConfigError(f"study.data={entry}: no such data source; {unknown('data.source', entry, SOURCES)}")
            other = [] if entry == base.data.source else [f"data.source={entry}", f"data.root=data/{entry}"]
            yield entry, other
        elif isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            yield entry["name"], [f"{key}={spelled(value)}" for key, value in entry.items() if key != "name"]
        else:
            raise ConfigError(f"study.data={entry}: an entry is a data source, or a name with settings")


def _check_model(name: str) -> None:
    try:
        model_spec(name)
    except ConfigError as error:
        raise ConfigError(f"study.models={name}: {str(error).removeprefix('model.name: ')}") from error


def _without_others_settings(overrides: Sequence[str], method: str) -> list[str]:
    """The typed settings without those that this method does not have: they are meant for the others."""
    row = METHODS[method]
    others = {f"sparse.{name}" for name in SETTINGS if name not in row.settings}
    if not row.dynamic:
        others.add("sparse.every_epochs")
    own = {f"sparse.settings.{each.name}" for each in row.own}
    keys = {word: word.partition("=")[0] for word in overrides}
    foreign = {key for key in keys.values() if key.startswith("sparse.settings.") and key not in own}
    return [word for word, key in keys.items() if key not in others | foreign]


def _load(path: str | Path, overrides: Sequence[str], folder: Path) -> Config:
    try:
        config = load_config(path, overrides)
    except ConfigError as error:
        raise ConfigError(str(error).replace(f" {COMMAND_LINE}", " in the study")) from error
    return changed(config, {"study": StudyConfig(), "logging.dir": str(folder)})
