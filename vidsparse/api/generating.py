"""`vidsparse.generate`: a corrupted benchmark on disk, as scripts/generate.py writes it, from Python."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from corruptions.exceptions import nearest
from vidsparse.api.keywords import as_word
from vidsparse.benchmark.generate import generate as carry_out
from vidsparse.config import BenchmarkConfig, DataConfig, EvaluationConfig
from vidsparse.config.change import changed
from vidsparse.config.compose import COMMAND_LINE
from vidsparse.loading import load_benchmark_config
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.main_module import main_left_alone

Stage = Literal["plan", "write", "verify", "repair"]
_BASE = "ucf101_c"
_BLOCKS = {"benchmark": BenchmarkConfig, "evaluation": EvaluationConfig, "data": DataConfig}


def generate(
    data: str,
    root: str | Path,
    out: str | Path,
    suite: str = "core_10",
    stage: Stage = "write",
    **settings: str | float | bool | Sequence[str] | Sequence[int] | None,
) -> Path:
    """Write, plan, verify or repair an offline corrupted benchmark; the same bytes as scripts/generate.py.

    Args:
        data: the kind of data set (`vidsparse.list_data()`).
        root: its folder.
        out: the folder of the benchmark; one that was begun is continued.
        suite: the corruptions (`vidsparse.list_suites()`).
        stage: what to do.
        settings: keys of the blocks data, evaluation and benchmark, such as severities=[3], size=112, format="ffv1",
            materialize="clips", and workers=4. Those that are not given are of configs/ucf101_c.yaml.

    Returns:
        `out`.

    Raises:
        ConfigError, DataError, BenchmarkError: one sentence.
    """
    words = {"name": Path(out).name or "benchmark", "data.source": data, "data.root": str(files.at_home(root)),
             "benchmark.dir": str(files.at_home(out)), "benchmark.stage": stage, "evaluation.suite": suite}  # fmt: skip
    words |= {key_of(name): as_word(value) for name, value in settings.items()}
    try:
        config = load_benchmark_config(_BASE, [f"{key}={value}" for key, value in words.items()])
    except ConfigError as error:
        raise ConfigError(str(error).replace(f" {COMMAND_LINE}", ", as given")) from error
    with main_left_alone(), TemporaryDirectory(prefix="vidsparse-") as counts:  # of frames, which runs keep beside them
        carry_out(changed(config, {"logging.dir": counts}))
    return config.benchmark_folder


def key_of(name: str) -> str:
    """The config key that a setting means; ConfigError for one that there is not.

    >>> key_of("severities"), key_of("workers"), key_of("size")
    ('evaluation.severities', 'engine.workers', 'data.size')
    """
    if name == "workers":
        return "engine.workers"
    known = {each.name: f"{block}.{each.name}" for block, kind in reversed(_BLOCKS.items()) for each in fields(kind)}
    if name not in known:
        close = nearest(name, known)
        raise ConfigError(f"generate() has no setting {name}" + (f"; did you mean {close}?" if close else ""))
    return known[name]
