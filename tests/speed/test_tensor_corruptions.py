"""Speed of corruptions on tensors beside those on arrays, printed and never judged: `make bench`.

Wall clock a frame at severity 3 on one thread of the processor, turn by turn, and on a CUDA device where there is one.
"""

from statistics import median

import cv2
import pytest
import torch

import corruptions
import corruptions.torch as on_tensors
from speed.timing import interleaved
from tools.docs.scene import scene

FRAMES, SIDE, TURNS = 16, 112, 7


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
        print(
            f"\n\n{FRAMES} frames of {SIDE} px, severity 3, milliseconds a frame\n{'':22}  arrays  tensors, over arrays"
        )
        for name in on_tensors.names():
            calls = {"arrays": lambda name=name: corruptions.corrupt(clip, name, 3, "bench")}
            calls |= {device: lambda name=name, given=given: on_tensors.corrupt(given, name, 3, "bench").cpu()
                      for device, given in devices.items()}  # fmt: skip
            spent = {who: 1000 * median(times) / FRAMES for who, times in interleaved(calls, TURNS).items()}
            shown = [f"{who} {ms:7.3f} {ms / spent['arrays']:6.1f}" for who, ms in spent.items() if who != "arrays"]
            print(f"{name:22} {spent['arrays']:7.3f}  {'   '.join(shown)}")
