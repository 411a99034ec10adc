"""Decoders that really hang: the file is a pipe that delivers nothing, or only its first half."""

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.reading import watchdog

READ = """
import os, sys
from pathlib import Path
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips

from dataclasses import replace
root, decoder = Path(sys.argv[1]), sys.argv[2]
clips = load_clips(DataConfig(source="folder", root=str(root)), 0, root.parent / "index")
assert clips.read(clips.train[0], [0, 39]).shape[0] == 2
hangs = clips.train[1]
assert clips.index.rows[hangs.id].info.decoder == decoder
hangs.path.unlink()
os.mkfifo(hangs.path)
print("now", flush=True)
clips = replace(clips, config=replace(clips.config, timeout_s=1.5))
clips.read(hangs, [0, 39])
print("never", flush=True)
"""


def deliver(path: Path, content: bytes) -> None:
    """Write to a pipe as soon as somebody reads it, and never close it."""
    handle = os.open(path, os.O_WRONLY)
    with suppress(BrokenPipeError):
        os.write(handle, content)


@pytest.mark.slow
@pytest.mark.parametrize(("decoder", "half"), [("decord", False), ("pyav", False), ("pyav", True)])
def test_a_decoder_that_hangs_is_cut_off_and_its_file_named(tmp_path, avi, moving_pictures, decoder, half):
    folder = tmp_path / "data" / "train" / "A"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "test" / "A").mkdir(parents=True)
    for place in (folder / "fine.avi", folder / "hangs.avi", tmp_path / "data" / "test" / "A" / "other.avi"):
        shutil.copy(avi, place)
    if decoder == "pyav":
        write_video(folder / "hangs.avi", moving_pictures(), options={"bf": "2"})
    content = (folder / "hangs.avi").read_bytes()
    command = [sys.executable, "-c", READ, str(tmp_path / "data"), decoder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "now\n", process.communicate()
    if half:
        threading.Thread(target=deliver, args=(folder / "hangs.avi", content[: len(content) // 2]), daemon=True).start()
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert f"{folder / 'hangs.avi'}: the decoder hangs in this file (not done in 1.5 s)" in errors
    assert "fine" not in errors
    assert not said


def test_time_that_a_busy_machine_lets_it_wait_counts_for_nothing(monkeypatch):
    now, use = [0.0], [watchdog._Use(0.0, 0.0, 0)]
    monkeypatch.setattr(watchdog, "monotonic", lambda: now[0])
    monkeypatch.setattr(watchdog, "_use", lambda pid: use[0])
    clock = watchdog.Clock(1)

    def pass_by(seconds, ran=0.0, delayed=0.0, read=0):
        now[0] += seconds
        use[0] = watchdog._Use(use[0].ran + ran, use[0].delayed + delayed, use[0].read + read)
        return clock.look()

    for _ in range(100):  # 25 s on the wall, a hundredth of it on a processor, the rest in the queue for one
        pass_by(0.25, 0.0025, 0.2475)
    assert clock.look() == pytest.approx(0.25)
    pass_by(60.0)  # whoever looks was kept waiting as well
    assert (clock.ran, clock.waited) == (pytest.approx(0.25), pytest.approx(0.5))
    pass_by(0.25, read=4096)  # the disk answers, slowly
    assert clock.waited == 0.0
    for _ in range(8):
        pass_by(0.25)
    assert (clock.ran, clock.waited) == (pytest.approx(0.25), pytest.approx(2.0))
    clock.got_on()
    assert pass_by(0.25, 0.25) == pytest.approx(0.25)


SLOW = """
import sys, time
from pathlib import Path
from vidsparse.data.reading.watchdog import got_on, limited
with limited(Path("slow.npz"), 0.5):
    for _ in range(12):
        time.sleep(0.15)
        got_on()
print("done", flush=True)
with limited(Path("hangs.npz"), 0.5):
    while True:
        pass
"""


@pytest.mark.slow
def test_what_gets_on_is_let_be_and_what_burns_its_time_is_not():
    ran = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, timeout=120)
    assert (ran.stdout, ran.returncode) == ("done\n", 2)
    assert "hangs.npz: the decoder hangs in this file (not done in 0.5 s)" in ran.stderr
    assert "slow.npz" not in ran.stderr
