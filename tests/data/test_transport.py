"""Batches arrive whatever shared memory there is: 64 MB of it, Docker's default, hung the evaluation for ever."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vidsparse.data import transport
from vidsparse.data.corrupted.batches import Batch

SCRIPT = """
import sys, torch
from torch.utils.data import IterableDataset
from vidsparse.data.loader import batches, make_loader

class Clips(IterableDataset):
    def __iter__(self):
        for number in range(4):
            yield number, torch.full((10, 16, 224, 224, 3), number, dtype=torch.uint8)

if __name__ == "__main__":
    stream = batches(make_loader(Clips(), 2, batch_size=None))
    print(sorted((number, int(clips.min()), clips.nbytes) for number, clips in stream))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small /dev/shm needs root")
def test_ten_views_of_16_x_224_x_224_pass_64_mb_of_shared_memory(tmp_path):
    (tmp_path / "feed.py").write_text(SCRIPT)
    mount = f"mount -t tmpfs -o size=64m none /dev/shm && exec {sys.executable} {tmp_path / 'feed.py'}"
    ran = subprocess.run(["unshare", "-m", "bash", "-c", mount], capture_output=True, text=True, timeout=280)
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip("mounting is not allowed here")
    size = 10 * 16 * 224 * 224 * 3
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{[(n, n, size) for n in range(4) for _ in range(2)]}\n"


@pytest.mark.parametrize("free", [0, 10**9])
def test_a_batch_comes_back_as_it_was(monkeypatch, free):
    monkeypatch.setattr(transport, "get_worker_info", lambda: SimpleNamespace(num_workers=2))
    monkeypatch.setattr(transport, "free_shared", lambda: free)
    clips = torch.arange(24, dtype=torch.uint8).reshape(2, 4, 3)
    batch = Batch(3, 4, clips, np.array([True, False]), None)
    sent = transport.Packed(lambda items: items)([batch, (clips, 1)])
    assert isinstance(sent[0].clips, torch.Tensor) == (free > 0)
    back = transport.unpacked(sent)
    assert torch.equal(back[0].clips, clips)
    assert torch.equal(back[1][0], clips)
    assert (back[0].unit, back[0].cell, back[0].ok.tolist(), back[1][1]) == (3, 4, [True, False], 1)


@pytest.mark.slow
def test_a_batch_that_cannot_be_sent_is_one_sentence_that_names_shared_memory(tmp_path):
    code = (
        "from vidsparse.data import transport\nfrom multiprocessing import queues\ntransport.end_when_undelivered()\n"
        "queues.Queue._on_queue_feeder_error(RuntimeError('No space left on device'), None)\nprint('never')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "shared memory (/dev/shm) is full" in ran.stderr
    assert "--shm-size=1g" in ran.stderr
