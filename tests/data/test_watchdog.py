"""Decoders that really hang: the file is a pipe that delivers nothing, or only its first half."""

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from vidsparse.data.sample import write_video

READ = """
import os, sys
from pathlib import Path
from vidsparse.config import DataConfig
from vidsparse.data.clips import load_clips

root, decoder = Path(sys.argv[1]), sys.argv[2]
clips = load_clips(DataConfig(source="folder", root=str(root)), 0, root.parent / "index")
assert clips.read(clips.train[0], [0, 39]).shape[0] == 2
hangs = clips.train[1]
assert clips.index.rows[hangs.id].info.decoder == decoder
hangs.path.unlink()
os.mkfifo(hangs.path)
print("now", flush=True)
clips._open.timeout_s = 1.5
clips.read(hangs, [0, 39])
print("never", flush=True)
"""


def deliver(path: Path, content: bytes) -> None:
    """Write to a pipe as soon as somebody reads it, and never close it."""
    handle = os.open(path, os.O_WRONLY)
    with suppress(BrokenPipeError):
        os.write(handle, content)


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
