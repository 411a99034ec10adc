"""One owner a folder: whoever comes second is refused by name, and the dead are recognised."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vidsparse.utils import files, locks
from vidsparse.utils.locks import Locked, held, owner_of

RACE = """
import sys, time
from pathlib import Path
from vidsparse.utils.locks import Locked, held
lock, inside = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    try:
        with held(lock, "work", wait=sys.argv[4] == "wait"):
            inside.mkdir()  # fails where two are inside
            time.sleep(0.002)
            inside.rmdir()
            print("held")
    except Locked:
        print("refused")
"""


def race(folder: Path, turns: int, how: str, processes: int = 4) -> list[list[str]]:
    lock, inside = folder / ".lock", folder / "inside"
    command = [sys.executable, "-c", RACE, str(lock), str(inside), str(turns), how]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    racers = [subprocess.Popen(command, text=True, **pipes) for _ in range(processes)]
    for racer in racers:
        racer.stdout.readline()
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=100) for racer in racers]
    assert not [error for _, error in said if error]
    return [out.split() for out, _ in said]


def dead_owner(lock: Path, **changes: object) -> None:
    with held(lock, "work"):
        owner = locks._read(lock)
    lock.write_text(json.dumps(asdict(replace(owner, token="dead", **changes))))


def test_of_two_only_one_is_inside_and_the_other_is_told_who(tmp_path):
    lock = tmp_path / "run" / ".lock"
    with held(lock, "runs/x"):
        assert owner_of(lock).pid == os.getpid()
        with (
            pytest.raises(Locked, match=rf"^runs/x: process {os.getpid()} on \S+ is at work there"),
            held(lock, "runs/x"),
        ):
            raise AssertionError
    assert owner_of(lock) is None
    assert not list(lock.parent.iterdir())


@pytest.mark.slow
def test_processes_that_want_it_at_the_same_instant_are_inside_one_after_another(tmp_path):
    assert race(tmp_path, 10, "wait") == [["held"] * 10] * 4
    assert sorted(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_of_many_that_find_a_dead_owner_only_one_takes_over(tmp_path):
    for _ in range(3):
        dead_owner(tmp_path / ".lock", started="1")  # the number lives, but as another process
        said = race(tmp_path, 1, "refuse")
        assert sum(words == ["held"] for words in said) >= 1
        assert sorted(tmp_path.iterdir()) == []


def test_an_owner_that_was_killed_is_recognised_at_once(tmp_path):
    lock = tmp_path / ".lock"
    code = "import os, sys; from pathlib import Path; from vidsparse.utils.locks import held\n"
    code += "with held(Path(sys.argv[1]), 'work'): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(lock)], check=False)
    assert lock.exists()
    assert owner_of(lock) is None
    with held(lock, "work"):
        assert owner_of(lock).pid == os.getpid()


def test_an_owner_on_another_machine_lives_as_long_as_it_gives_signs_of_life(tmp_path):
    lock = tmp_path / ".lock"
    dead_owner(lock, host="elsewhere", boot="other")
    with pytest.raises(Locked, match="on elsewhere"), held(lock, "work"):
        raise AssertionError
    long_ago = time.time() - locks.GONE - 5
    os.utime(lock, (long_ago, long_ago))
    with held(lock, "work"):
        assert owner_of(lock).host != "elsewhere"


def test_signs_of_life_are_given_and_a_lock_that_was_taken_stops_its_old_owner(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "RENEW", 0.05)
    lock, before = tmp_path / ".lock", signal.signal(signal.SIGINT, signal.default_int_handler)  # nohup ignores it

    def lose_it() -> None:
        with held(lock, "work"):
            os.utime(lock, (1, 1))
            deadline = time.monotonic() + 20
            while lock.stat().st_mtime < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert lock.stat().st_mtime > 2
            lock.write_text(json.dumps(asdict(replace(locks._read(lock), token="theirs"))))
            time.sleep(20)

    try:
        with pytest.raises(KeyboardInterrupt):
            lose_it()
    finally:
        signal.signal(signal.SIGINT, before)
    assert locks._read(lock).token == "theirs"


def test_half_a_lock_belongs_to_somebody_until_it_is_old(tmp_path):
    lock = tmp_path / ".lock"
    lock.write_text("")
    with pytest.raises(Locked, match="cannot be named"), held(lock, "work"):
        raise AssertionError
    os.utime(lock, (1, 1))
    with held(lock, "work"):
        pass


def test_a_file_system_without_links_locks_as_well(tmp_path, monkeypatch):
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    lock = tmp_path / ".lock"
    with held(lock, "work"), pytest.raises(Locked), held(lock, "work"):
        raise AssertionError
    assert not list(tmp_path.iterdir())


def test_a_sweep_leaves_what_a_living_process_is_writing(tmp_path):
    code = "import sys; from pathlib import Path; from vidsparse.utils.files import replacing\n"
    code += "with replacing(Path(sys.argv[1])) as t: t.write_text('x'); print(flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", code, str(tmp_path / "report.html")]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    writer.stdout.readline()
    (tmp_path / ".old.77777777.tmp").write_text("of a version before")
    files.sweep(tmp_path)
    assert [path.name[:13] for path in tmp_path.iterdir()] == [".report.html."]
    writer.communicate(b"\n")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    (tmp_path / f".left.{writer.pid}-1-{locks.machine()}.tmp").write_text("of a dead process")
    files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_what_a_process_left_that_died_while_it_took_a_lock_is_swept_away(tmp_path):
    lock = tmp_path / ".lock"
    with held(lock, "work"):
        mine = locks._read(lock)
    dead, living = replace(mine, started="1"), replace(mine, token="0" * 32)
    locks._temporary(lock, dead).write_text("{")  # torn
    lock.with_name(".lock.abcdefabcdef").write_text(json.dumps(asdict(dead)))  # died within a take-over
    lock.with_name(".lock.123456123456").write_text(json.dumps(asdict(living)))
    with held(lock, "work"):
        files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock.123456123456"]


def test_a_lock_whose_file_could_not_be_removed_does_not_stop_the_process_that_gave_it_back(tmp_path, monkeypatch):
    lock = tmp_path / ".lock"

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch, held(lock, "work"):
        patch.setattr(Path, "unlink", refuse)
    assert lock.exists()
    with held(lock, "work"):
        assert owner_of(lock).pid == os.getpid()
    assert not lock.exists()
