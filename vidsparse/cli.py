"""The commands. scripts/*.py and the `vidsparse` console script call them; errors end in one sentence, exit code 2."""

import argparse
import errno
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from corruptions.exceptions import CorruptionError
from vidsparse.completion import command as completion
from vidsparse.corrupt_video import command as corrupt_video
from vidsparse.doctor import command as doctor
from vidsparse.export import command as export
from vidsparse.listing import command as listing
from vidsparse.plugins.blame import blamed
from vidsparse.plugins.named_plugins import add_option, load_option
from vidsparse.publishing import command as publishing
from vidsparse.utils import own_commands
from vidsparse.utils.errors import VidsparseError
from vidsparse.utils.failures import machine_errno, sentence
from vidsparse.utils.files import at_home
from vidsparse.utils.number_range import Range
from vidsparse.utils.one_copy import check_corruptions
from vidsparse.utils.surroundings import prepare_environment, speak_utf8, steady_streams
from vidsparse.utils.version import VERSION

_CONFIG_HELP = "a YAML file, or the name of a shipped config such as ucf101_rigl"
_OVERRIDE_HELP = "settings that replace those of the config, such as sparse.sparsity=0.3 training.seed=1"


def main(arguments: Sequence[str] | None = None) -> int:
    """`vidsparse COMMAND ...`; returns the exit code."""
    if arguments is None:
        speak_utf8()
    parser = argparse.ArgumentParser(
        prog="vidsparse", description="Train sparse and dense video models; measure how they hold up under corruption."
    )
    parser.add_argument("--version", action="version", version=f"vidsparse {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, (_, summary, add) in COMMANDS.items():
        add(commands.add_parser(name, help=summary, description=summary))
    options = _parse(parser, arguments)
    options.parser = parser
    return _guarded(COMMANDS[options.command][0], options)


def script(name: str) -> int:
    """One command as a script of its own: `python scripts/<name>.py ...`; returns the exit code."""
    speak_utf8()
    action, summary, add = COMMANDS[name]
    parser = _Parser(prog=f"{name}.py", description=summary)
    add(parser)
    return _guarded(action, _parse(parser, None))


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; settings may also follow an option, which argparse alone does not understand."""
    options, rest = parser.parse_known_args(arguments)
    if hasattr(options, "plugins"):
        named = [word.removeprefix("plugins=") for word in rest if word.startswith("plugins=")]
        options.plugins = [*options.plugins, *named]
        rest = [word for word in rest if not word.startswith("plugins=")]
    if any(word.startswith("-") for word in rest) or (rest and "overrides" not in options):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.overrides += rest
    return options


def _run(options: argparse.Namespace) -> Path | None:
    """Train, evaluate, report, or a whole study; returns the run folder, where there is one."""
    from vidsparse.loading import load_config

    config = load_config(options.config, options.overrides)
    if config.study.methods:
        from vidsparse.study.run import list_runs, run_study

        if options.print_config or options.dry_run:
            sys.stdout.write(list_runs(options.config, options.overrides, config))
        else:
            return run_study(options.config, options.overrides, config, options.fresh)
        return None
    if options.print_config:
        from vidsparse.config import to_yaml

        sys.stdout.write(to_yaml(config))
        return None
    from vidsparse.experiment import dry_run, run

    if options.dry_run:
        dry_run(config)
        return None
    return run(config, options.fresh, _command_line(options), getattr(options, "wait", False))


def _evaluate(options: argparse.Namespace) -> None:
    """Evaluate weights as they are: runs without training, and a page that compares them where they are several."""
    from vidsparse.study.leaderboard import entries, weights_of

    asked = options.overrides
    runs = []
    for label, settings in entries(asked):
        if not weights_of(options.config, settings):
            raise VidsparseError(
                "evaluate needs model.weights=..., such as a file, a run folder or KINETICS400_V1; several in [a,b,c]"
            )
        named = [f"name={label}_evaluated"] if label else []
        options.overrides = [*named, *settings, "training.epochs=0", "training.init=null", "sparse.method=dense"]
        runs += [run] if (run := _run(options)) else []
    if len(runs) > 1:
        from vidsparse.report.page import write_comparison
        from vidsparse.utils.progress import say

        say(f"report     {write_comparison(runs, runs[0].parent / 'leaderboard')}")


def _generate(options: argparse.Namespace) -> None:
    """Plan, write, verify or repair an offline corrupted benchmark."""
    from vidsparse.config import to_yaml
    from vidsparse.loading import load_benchmark_config

    words = [_benchmark_setting(word) for word in options.overrides]
    folder = at_home(options.config)
    if folder.is_dir():
        from vidsparse.benchmark.generate import verify

        if words != ["benchmark.stage=verify"]:
            raise VidsparseError(f"{folder} is a benchmark, not a config: only stage=verify is done without a config")
        verify(folder)
        return
    config = load_benchmark_config(options.config, words)
    if options.print_config:
        sys.stdout.write(to_yaml(config))
        return
    from vidsparse.benchmark.generate import generate

    generate(config)


def _benchmark_setting(word: str) -> str:
    """`stage=plan` as `benchmark.stage=plan`, `workers=4` as `engine.workers=4`; others as they are."""
    from dataclasses import fields

    from vidsparse.config import BenchmarkConfig

    key = word.partition("=")[0]
    if key in {field.name for field in fields(BenchmarkConfig)}:
        return f"benchmark.{word}"
    return f"engine.{word}" if key == "workers" else word


def _report(options: argparse.Namespace) -> None:
    """Remake the report of a run, or one page that compares several."""
    from vidsparse.loading.brought_rows import load_plugins_of
    from vidsparse.provenance import find_reference
    from vidsparse.report.page import write_comparison, write_report
    from vidsparse.run_dir.record import read_record
    from vidsparse.utils.progress import say

    runs = [at_home(run) for run in options.runs]
    load_plugins_of(runs)
    for run in runs:
        if not (run / "predictions.parquet").is_file():
            raise VidsparseError(f"{run} is not a finished run: it has no predictions.parquet")
    if len(runs) == 1:
        page = write_report(runs[0], find_reference(runs[0], read_record(runs[0])))
    else:
        page = write_comparison(runs, at_home(options.out))
    say(f"report     {page}")


def _preview(options: argparse.Namespace) -> None:
    """Show what corruptions do to a video."""
    from vidsparse.preview import Shown, write_preview
    from vidsparse.utils.progress import say

    shown = Shown(options.corruption, options.suite, options.severity, options.temporal, options.size)
    for made in write_preview(at_home(options.video), shown, at_home(options.out)):
        say(f"preview    {made}")


def _prepare(options: argparse.Namespace) -> None:
    """Count every file of a data set once, or say how to get it."""
    from vidsparse.data.datasets.prepare import prepare

    prepare(options.dataset, at_home(options.root), options.workers, options.timeout, options.short)


def _command_line(options: argparse.Namespace) -> str:
    return shlex.join([*own_commands.words("run"), options.config, *options.overrides])


class _Parser(argparse.ArgumentParser):
    """A parser whose help also lists every key of a config; they are looked up when somebody asks."""

    def format_help(self) -> str:
        """The usual help, and the keys where the command takes some."""
        said = super().format_help()
        if not any(action.dest == "overrides" for action in self._actions):
            return said
        from vidsparse.config.reference import config_help

        return f"{said}\n{config_help()}\n"


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help=_CONFIG_HELP)
    parser.add_argument("overrides", metavar="key=value", nargs="*", help=_OVERRIDE_HELP)
    parser.add_argument("--print-config", action="store_true", help="print the resolved config and stop")
    parser.add_argument(
        "--dry-run", action="store_true", help="try one step and one batch, tell the time, keep nothing"
    )
    parser.add_argument("--fresh", action="store_true", help="replace what the run folder holds")
    parser.add_argument("--wait", action="store_true", help="where another process carries this run out, wait for it")


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help=f"{_CONFIG_HELP}; for stage=verify also a benchmark's folder")
    parser.add_argument(
        "overrides",
        metavar="key=value",
        nargs="*",
        help="stage=plan|write|verify|repair (default: write), workers=4, shard=3/16, deep=20, format=, materialize=, "
        "cluster.scheduler=tcp://..., and any setting of the config",
    )
    parser.add_argument("--print-config", action="store_true", help="print the resolved config and stop")


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders; several make a comparison")
    parser.add_argument("--out", default="runs/comparison", help="folder of the comparison page")


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", metavar="VIDEO", help="any video file")
    parser.add_argument("--corruption", default="fog", help="the one shown in motion")
    parser.add_argument("--suite", help="the ones on the sheet, such as ucf101_p_16; default: every corruption")
    levels = (1, 2, 3, 4, 5)
    parser.add_argument("--severity", type=int, nargs="+", default=levels, choices=levels, metavar="N", help="1 to 5")
    parser.add_argument("--temporal", default="default", choices=("default", "static", "drift", "independent"))
    size = Range("the side of each picture", "pixels", at_least=16, at_most=4096)
    parser.add_argument("--size", type=_number(int, size), default=112, help="pixels a side of each picture")
    parser.add_argument("--out", default="runs/preview", help="folder of the three pictures")
    add_option(parser)


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="ucf101, hmdb51, cifar10, imagenet, folder, ...")
    parser.add_argument("root", metavar="ROOT", help="the folder that holds it, or is to hold it")
    workers = _number(int, Range("how many processes decode", at_least=0, at_most=1024))
    parser.add_argument("--workers", type=workers, metavar="N", help="processes that decode; default: one a core")
    timeout = _number(float, Range("how long a file may take", "seconds", above=0))
    parser.add_argument(
        "--timeout", type=timeout, default=60.0, metavar="S", help="seconds a file may take, 1 more a MiB"
    )
    short = _number(int, Range("the frames below which a video is listed as short", at_least=0))
    parser.add_argument("--short", type=short, default=16, metavar="FRAMES", help="list videos with fewer frames")
    add_option(parser)


def _number(kind: type[int] | type[float], allowed: Range) -> Callable[[str], float]:
    """What reads the number of an option; argparse says what it raises beside the option's name."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no {'whole ' * (kind is int)}number") from None
        if not allowed.holds(value):
            raise argparse.ArgumentTypeError(f"{text} cannot be: {allowed.sentence(value)}")
        return value

    return read


OUT_OF_MEMORY = (
    "out of memory: in evaluation lower evaluation.batch_size or evaluation.max_clip_mb, and the run continues; in "
    "training lower training.batch_size, raise training.accumulate or lower data.size, under another name=\n"
)
Command = tuple[Callable[[argparse.Namespace], object], str, Callable[[argparse.ArgumentParser], None]]
COMMANDS: dict[str, Command] = {
    "run": (_run, "Train, evaluate clean and corrupted, and write a report; or a whole study.", _add_config),
    "evaluate": (_evaluate, "Evaluate a checkpoint, clean and corrupted, and write a report.", _add_config),
    "generate": (_generate, "Write, verify or repair an offline corrupted benchmark.", _add_generate),
    "report": (_report, "Remake reports from the tables of finished runs.", _add_runs),
    "prepare": (
        _prepare,
        "Say how to get a data set; count what is in its files, once.",
        _add_prepare,
    ),
    "corrupt": (corrupt_video.carry_out, "Write a video file under a corruption.", corrupt_video.add_arguments),
    "list": (listing.carry_out, "List what there is by name: models, methods, corruptions, ...", listing.add_arguments),
    "preview": (
        _preview,
        "Show a video under corruptions: sheets over severities and over time, and one of them in motion.",
        _add_preview,
    ),
    "export": (export.carry_out, "Write the network of a run for another runtime.", export.add_arguments),
    "latency": (export.time_networks, "Time the networks of runs in turns, for their comparison.", export.add_latency),
    "doctor": (doctor.carry_out, "Say what works on this machine, and what does not.", doctor.add_arguments),
    "publish": (publishing.publish, "Write a trained network as a folder for a model hub.", publishing.add_publish),
    "board": (publishing.board, "Write a static leaderboard of many results.", publishing.add_board),
    "completion": (completion.carry_out, "Write the completion of a shell.", completion.add_arguments),
}


def _guarded(action: Callable[[argparse.Namespace], object], options: argparse.Namespace) -> int:
    """Carry a command out; a person's mistake is one sentence and 2, Ctrl-C is 130."""
    prepare_environment()
    with steady_streams():
        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        return _carried_out(action, options)


def _carried_out(action: Callable[[argparse.Namespace], object], options: argparse.Namespace) -> int:
    try:
        check_corruptions()
        load_option(options)
        said = action(options)
    except (VidsparseError, CorruptionError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command continues\n")
        return 130
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG, errno.ENAMETOOLONG):
            sys.stderr.write(f"{error.filename or 'the run folder'} cannot be written: {error.strerror}\n")
        elif blamed(error):
            pass
        elif number := machine_errno(error, known=True):
            sys.stderr.write(f"{sentence(error.filename or 'a file', number)}\n")
        else:
            raise
        return 2
    except Exception as error:
        if _out_of_memory(error):
            sys.stderr.write(OUT_OF_MEMORY)
        elif not blamed(error):
            raise
        return 2
    return said if isinstance(said, int) else 0


def _out_of_memory(error: Exception) -> bool:
    return (
        isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "DefaultCPUAllocator" in str(error)
    )
