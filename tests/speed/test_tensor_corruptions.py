"""Speed of corruptions on tensors beside those on arrays, printed and never judged: `make bench`.

Milliseconds a frame at severity 3 on one thread, turn by turn: processor time of both on the processor, and wall clock
on a CUDA device where there is one. A clip of 4 frames and few turns: all of it takes 12 s of processor time.
"""

from functools import partial
from statistics import median

import cv2
import pytest
import torch

import corruptions
import corruptions.torch as on_tensors
from speed.timing import interleaved, processor_seconds, seconds
from tools.docs.scene import scene

FRAMES, SIDE, TURNS = 4, 112, 3


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    yield
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])


def test_milliseconds_a_frame_on_tensors_and_on_arrays(capsys):
    clip = scene(FRAMES, SIDE)
    tensor = torch.from_numpy(clip).permute(0, 3, 1, 2).contiguous()
    devices = {"cpu": tensor} | ({"cuda": tensor.cuda()} if torch.cuda.is_available() else {})
    with capsys.disabled():
        print(f"\n\n{FRAMES} frames of {SIDE} px, severity 3, milliseconds a frame")
        print(f"{'':22}  arrays   tensors, over arrays")
        for name in on_tensors.names():
            calls = {"arrays": partial(corruptions.corrupt, clip, name, 3, "bench")}
            calls |= {device: partial(_on, given, name) for device, given in devices.items()}
            timed = seconds if "cuda" in devices else processor_seconds
            spent = {who: 1000 * median(times) / FRAMES for who, times in interleaved(calls, TURNS, timed).items()}
            shown = [f"{who} {ms:8.3f} {ms / spent['arrays']:6.1f}" for who, ms in spent.items() if who != "arrays"]
            print(f"{name:22} {spent['arrays']:7.3f}  {'   '.join(shown)}", flush=True)


def _on(given: torch.Tensor, name: str) -> torch.Tensor:
    return on_tensors.corrupt(given, name, 3, "bench").cpu()
