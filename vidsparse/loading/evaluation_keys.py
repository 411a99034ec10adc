"""What the keys of the block `evaluation` must be to each other, and to the clips."""

from collections.abc import Mapping
from pathlib import Path

import corruptions
from vidsparse.config import Config
from vidsparse.config.compose import COMMAND_LINE
from vidsparse.config.faults import Fail, failing
from vidsparse.data.corrupted.cells import evaluation_cells, only_probes


def check_evaluation(config: Config, origin: Mapping[str, str]) -> None:
    """Raise ConfigError for what the block `evaluation` of a resolved config holds that cannot be carried out.

    `origin` says where keys were set.
    """
    fail = failing(config, origin)
    evaluation = config.evaluation
    for key, what in ("severities", "a severity"), ("corruptions", "a corruption"):
        asked = getattr(evaluation, key) or []
        if len(set(asked)) < len(asked):
            raise fail(f"evaluation.{key}", f"{what} stands in it twice")
    if evaluation.severities == [] or evaluation.corruptions == []:
        empty = "severities" if evaluation.severities == [] else "corruptions"
        raise fail(f"evaluation.{empty}", "the list is empty; use null for all of the suite")
    if evaluation.temporal and config.data.source == "corrupted":
        raise fail("evaluation.temporal", "the clips of data.source=corrupted move as they were made; use null")
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
    if config.data.source != "corrupted":  # whose conditions are what it holds
        _check_conditions(config, origin, fail)


def _check_conditions(config: Config, origin: Mapping[str, str], fail: Fail) -> None:
    """The conditions must be there, and be what their suite says that they are."""
    evaluation, suite = config.evaluation, corruptions.SUITES[config.evaluation.suite]
    probed = only_probes(evaluation) and evaluation.severities not in (None, [1])
    if probed and origin.get("evaluation.severities") == COMMAND_LINE:  # a file's are for other suites
        raise fail("evaluation.severities", "probes are asked once and have no severity; use null")
    if suite.side and suite.side != config.data.size:
        raise fail("evaluation.suite", f"its levels are matched at data.size={suite.side}, not {config.data.size}; use "
                                       "that size, or a suite of corruptions.suites.matched")  # fmt: skip
    if suite.levels and evaluation.resolution != suite.resolution:
        raise fail("evaluation.resolution", f"the levels of {suite.name} are matched at {suite.resolution} ones")
    evaluation_cells(evaluation)
