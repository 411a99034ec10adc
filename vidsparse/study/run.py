"""Carry a study out: what is missing of it, beside each other, and then compare."""

import time
from collections.abc import Sequence
from concurrent.futures import wait
from pathlib import Path

from vidsparse.config import Config, to_yaml
from vidsparse.study.board import Board, finished
from vidsparse.study.jobs import Job, Stopping, executor, submit
from vidsparse.study.planned_runs import Planned, plan
from vidsparse.utils import files, locks
from vidsparse.utils.errors import VidsparseError, plural, some
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.launch import check_alone
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import console, say, warn


class RunsFailed(VidsparseError):
    """Some runs of a study did not end well; the others did."""


def run_study(path: str | Path, overrides: Sequence[str], base: Config, fresh: bool = False) -> Path:
    """Carry out every run of a study that is missing, then write its tables and comparison; returns its folder.

    A run that is finished is left as it is, one that was begun continues. Raises RunsFailed in the end where runs
    failed, naming each and why; what did not fail is compared all the same.
    """
    check_alone("set study.jobs or study.cluster")
    runs = plan(path, overrides, base)
    with locks.held(base.folder / locks.NAME, f"{base.folder} (a study)"):
        files.sweep(base.folder)
        return _carry_out(runs, base, fresh)


def _carry_out(runs: Sequence[Planned], base: Config, fresh: bool) -> Path:
    out = base.folder
    before = set() if fresh else finished(runs)
    missing = [run for run in runs if run.name not in before]
    say(f"study      {base.name}: {plural(len(runs), 'run')}, {len(runs) - len(missing)} of them finished before")
    jobs = [_job(run, out, base.study.jobs, fresh) for run in missing]
    stopping = Stopping()
    board = Board(runs, {job.name: Path(job.log) for job in jobs})
    with Stop() as stop, board, executor(base.study) as pool:
        futures = submit(pool, jobs, stopping)
        board.update(futures)
        while not all(future.done() for future in futures.values()):
            if stop.wanted:
                say("study      stopping after the step of each run")
                stopping.ask()
                for future in futures.values():
                    future.cancel()
                raise KeyboardInterrupt
            wait([future for future in futures.values() if not future.done()], timeout=1, return_when="FIRST_COMPLETED")
            board.update(futures)
    done = [row.run for row in board.rows.values() if row.state == "done"]
    _compare(done, out)
    failed = [row for row in board.rows.values() if row.state != "done"]
    if failed:
        named = "; ".join(f"{row.run.name} ({row.why or row.state})" for row in failed)
        raise RunsFailed(
            f"{len(failed)} of {plural(len(runs), 'run')} failed: {named}; their logs are in {out / 'logs'}, "
            "and the same command does them again"
        )
    return out


def list_runs(path: str | Path, overrides: Sequence[str], base: Config) -> str:
    """The runs of a study in the order they are done, one a line: state, name and where they differ."""
    runs = plan(path, overrides, base)
    done = finished(runs)
    lines = [
        f"{'finished' if run.name in done else 'missing ':<8}  {run.folder}  "
        + "  ".join(
            str(part)
            for part in (
                run.data,
                run.model,
                run.method,
                run.sparsity or "",
                run.distribution,
                run.variant,
                f"seed {run.seed}",
            )
            if part
        )
        for run in runs
    ]
    return "\n".join([f"# {plural(len(runs), 'run')} in {base.folder}", *lines]) + "\n"


def _job(run: Planned, out: Path, at_once: int, fresh: bool) -> Job:
    """Write the run's config beside the others and say how it is done."""
    for name in ("plan", "logs"):
        (out / name).mkdir(parents=True, exist_ok=True)
    config = out / "plan" / f"{run.name}.yaml"
    files.write(config, to_yaml(run.config))
    log = out / "logs" / f"{run.name}.log"
    return Job(
        name=run.name,
        config=str(config),
        log=str(log.absolute()),
        folder=str(Path.cwd()),
        threads=max(1, cores() // at_once),
        fresh=fresh,
    )


def _compare(runs: Sequence[Planned], out: Path) -> None:
    """Tables of the whole study; a page for each data set and model."""
    if not runs:
        return
    from vidsparse.provenance import find_reference
    from vidsparse.report.page import write_comparison, write_report
    from vidsparse.run_dir.record import DRAWS, read_record
    from vidsparse.study.results import console_board, write_results

    started = time.monotonic()
    board, notes = write_results(runs, out)
    if (old := [run.name for run in runs if read_record(run.folder).draws < DRAWS]) and len(old) < len(runs):
        warn(
            f"{some(old, 3)} began when crop, mirror and colours of a training clip were drawn by one seed, the "
            "others have one each: gains of one over another hold that difference too; --fresh makes them anew"
        )
    groups: dict[tuple[str, str], list[Planned]] = {}
    for run in runs:
        groups.setdefault((run.data, run.model), []).append(run)
        record = read_record(run.folder)
        if run.method != "dense" and not record.reference and (dense := find_reference(run.folder, record)):
            write_report(run.folder, dense)
    console.print(console_board(board))
    for note in notes:
        say(f"power      {note}")
    for (data, model), members in groups.items():
        label = "_".join(part.replace("/", "-") for part in (data, model) if part)
        place = out if len(groups) == 1 else out / "comparisons" / label
        say(f"report     {write_comparison([run.folder for run in members], place)}")
    say(f"tables     {out / 'tables'} ({time.monotonic() - started:.0f} s)")
