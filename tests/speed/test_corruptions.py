"""Speed of the corruptions, printed and never judged: `make bench`.

Milliseconds of processor time for 16 frames at severity 3 on one thread: every corruption in its home profile and
default mode, beside the floors and beside imagecorruptions, turn by turn. A turn is the better of two calls in a row, a
time the median of the turns. VIDSPARSE_WRITE_COST=1 also writes docs/corruptions/cost.json; `python scripts/docs.py`
then shows it.
"""

import itertools
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pytest

import corruptions
from speed.timing import interleaved, processor_seconds, seconds
from tools.docs.corruption_pages import COST, Costs
from tools.docs.imagecorruptions_peer import ONE_THREAD, Peer
from tools.docs.scene import scene
from vidsparse import load_config
from vidsparse.data.datasets.sample_videos import write_video
from vidsparse.data.reading.decoders import read_pyav

pytestmark = pytest.mark.timeout(3600)  # the peer's packages may take minutes to come
DOCS = Path(__file__).resolve().parents[2] / "docs" / "corruptions"
FRAMES, SEVERITY, TURNS = 16, 3, 7
SIDES = (112, 224)
PUBLISHED = {  # seconds that the generators of the paper take for a 224 px image, on one core
    "caustic_refraction": 5.8,
    "sparkles": 5.1,
    "plasma_noise": 2.3,
    "perlin_noise": 2.0,
    "inverse_sparkles": 1.0,
    "brownish_noise": 0.7,
    "checkerboard_cutout": 0.22,
    "blue_noise_sample": 0.21,
    "cocentric_sine_waves": 0.21,
    "single_frequency_greyscale": 0.04,
}
COMPILE = "import sys, corruptions; print(corruptions.compile_kernels(sys.argv[1:] or None))"


@dataclass
class Times:
    """Milliseconds for the clip at one size; a peer's error stands in the place of its time."""

    ours: dict[str, float]
    peer: dict[str, float | str]
    floors: dict[str, float]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="module")
def peer(tmp_path_factory) -> Iterator[Peer | str]:
    """imagecorruptions, or why it cannot be had."""
    try:
        process = Peer(tmp_path_factory.mktemp("imagecorruptions"))
    except RuntimeError as error:
        yield str(error)
        return
    yield process
    process.close()


@pytest.fixture(scope="module")
def times(peer, tmp_path_factory) -> dict[int, Times]:
    """Our times, the peer's and the floors by side; a name's turns are spread over the whole measurement."""
    folder = tmp_path_factory.mktemp("clips")
    spent = {side: Spent(side, peer, folder) for side in SIDES}
    for turn in range(TURNS):
        for side in SIDES:
            spent[side].take(turn)
    return {side: spent[side].medians() for side in SIDES}


class Spent:
    """The turns taken at one size."""

    def __init__(self, side: int, peer: Peer | str, folder: Path) -> None:
        self.clip, self.stored, self.peer = scene(FRAMES, side), folder / f"{side}.npy", peer
        np.save(self.stored, self.clip)
        self.floors = floors(side, folder)
        self.spent: dict[str, list[float | str]] = defaultdict(list)
        for name in corruptions.names():  # what is made once a process: machine code, tables, textures
            for warm_up in range(20):
                corruptions.corrupt(self.clip[:1], name, SEVERITY, f"warm-up/{warm_up}")
        for call in self.floors.values():
            call()

    def take(self, turn: int) -> None:
        for name, call in self.floors.items():
            self.spent[f"floor: {name}"].append(processor_seconds(call))
        for name in corruptions.names():
            call = partial(corruptions.corrupt, self.clip, name, SEVERITY, f"bench/{turn}")  # each turn another video
            self.spent[name].append(processor_seconds(call))
            if isinstance(self.peer, Peer) and name in self.peer.names:
                self.spent[f"peer: {name}"].append(self.peer.seconds(name, SEVERITY, self.stored))

    def medians(self) -> Times:
        names = corruptions.names()
        peer = {name: self._median(f"peer: {name}") for name in names if f"peer: {name}" in self.spent}
        return Times(
            ours={name: float(self._median(name)) for name in names},
            peer=peer,
            floors={name: float(self._median(f"floor: {name}")) for name in self.floors},
        )

    def _median(self, name: str) -> float | str:
        errors = [each for each in self.spent[name] if isinstance(each, str)]
        return errors[0] if errors else 1000 * median(map(float, self.spent[name]))


def floors(side: int, folder: Path) -> dict[str, Callable[[], object]]:
    clip = scene(FRAMES, side)
    same = write_video(folder / f"{side}.mp4", clip, "libx264")
    whole = write_video(folder / f"{side}_whole.mp4", scene(FRAMES, 320)[:, 40:280], "libx264")
    return {
        "memcpy": clip.copy,
        "float32 round trip": lambda: clip.astype(np.float32).astype(np.uint8),
        "decode H.264": lambda: read_pyav(same, range(FRAMES), side, side),
        "decode H.264 of 320 x 240": lambda: read_pyav(whole, range(FRAMES), side, side),
    }


def test_milliseconds_a_clip(times, peer, capsys):
    with capsys.disabled():
        print(f"\n\n{FRAMES} frames, severity {SEVERITY}, milliseconds of one thread; {machine()}")
        print(f"{'':32}" + "".join(f"{f'{side} px':>9}{'peer':>9}{'ratio':>7}{'decode':>8}" for side in SIDES))
        for name in corruptions.names():
            print(f"{name:32}" + "".join(cells(times[side], name) for side in SIDES))
        for name in times[SIDES[0]].floors:
            print(f"floor: {name:25}" + "".join(f"{times[side].floors[name]:9.2f}{'':24}" for side in SIDES))
        for side in SIDES:
            print(f"{side} px: {summary(times[side], peer)}")
        for name, said in times[SIDES[0]].peer.items():
            if isinstance(said, str):
                print(f"imagecorruptions {name}: {said}")
    if os.environ.get("VIDSPARSE_WRITE_COST"):
        store({str(side): times[side] for side in SIDES})


def cells(found: Times, name: str) -> str:
    """Our time, the peer's, how much slower it is, and ours as a share of decoding."""
    ours, theirs = found.ours[name], found.peer.get(name)
    share = f"{ours / found.floors['decode H.264']:8.2f}"
    if isinstance(theirs, float):
        return f"{ours:9.2f}{theirs:9.1f}{theirs / ours:7.1f}{share}"
    return f"{ours:9.2f}{'crash' if theirs else '':>9}{'':7}{share}"


def summary(found: Times, peer: Peer | str) -> str:
    decode, whole = found.floors["decode H.264"], found.floors["decode H.264 of 320 x 240"]
    cheaper = [sum(ours < floor for ours in found.ours.values()) for floor in (decode, whole)]
    text = f"{cheaper[0]} of {len(found.ours)} cheaper than decoding the clip, {cheaper[1]} than decoding 320 x 240; "
    if isinstance(peer, str):
        return text + peer
    both = {name: (found.ours[name], theirs) for name, theirs in found.peer.items() if isinstance(theirs, float)}
    ours, theirs = (sum(column) for column in zip(*both.values(), strict=True))
    worst = max(both, key=lambda name: both[name][0] / both[name][1])
    return (
        f"{text}over the {len(both)} names that imagecorruptions runs: ours {ours:.0f}, its {theirs:.0f}, "
        f"{theirs / ours:.1f} times; worst {worst}, {both[worst][0] / both[worst][1]:.2f} of its time"
    )


def store(times: dict[str, Times]) -> None:
    """Write docs/corruptions/cost.json."""
    by_name = {
        name: {side: round(found.ours[name], 2) for side, found in times.items()} for name in corruptions.names()
    }
    floor_names = next(iter(times.values())).floors
    by_floor = {name: {side: round(found.floors[name], 2) for side, found in times.items()} for name in floor_names}
    costs = Costs(date.today().isoformat(), machine(), by_name, by_floor)
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / COST).write_text(json.dumps(vars(costs), indent=1) + "\n")


def machine() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def test_c_bar_over_its_published_cost(capsys):
    clip = scene(FRAMES, 224)
    turns = iter(range(10**9))
    ours = {}
    for name in PUBLISHED:
        calls = {
            "image": lambda name=name: corruptions.corrupt(clip[:1], name, SEVERITY, f"bench/{next(turns)}"),
            "clip": lambda name=name: corruptions.corrupt(clip, name, SEVERITY, f"bench/{next(turns)}"),
        }
        spent = interleaved(calls, TURNS, processor_seconds)
        ours[name] = median(spent["image"]), median(spent["clip"]) / FRAMES
    with capsys.disabled():
        print(
            f"\n\n224 px, severity {SEVERITY}, milliseconds a frame     published  one image  ratio   in a clip  ratio"
        )
        rows = [(name, published, *ours[name]) for name, published in PUBLISHED.items()]
        total = ("total", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))
        for name, published, image, frame in (*rows, total):
            print(f"{name:46}{1000 * published:10.0f}{1000 * image:11.2f}{published / image:7.0f}"
                  f"{1000 * frame:12.2f}{published / frame:7.0f}")  # fmt: skip


def plain_clips(side: int) -> dict[str, np.ndarray]:
    """Clips that nature does not make, of four frames, on which a kernel might take another way."""
    one = np.ones((4, side, side, 3), np.uint8)
    y, x = np.indices((side, side, 1))[:2]
    colours = np.random.default_rng(0).integers(0, 256, (side, 1, 3), np.uint8)
    dark_line = 77 * one
    dark_line[:, np.arange(side), np.arange(side)] = 0
    return {
        "grey 77": 77 * one, "black": 0 * one, "white": 255 * one, "brown": one * np.array([77, 128, 13], np.uint8),
        "red": one * np.array([255, 0, 0], np.uint8), "checkerboard": one * np.uint8(255 * ((x + y) % 2)),
        "a colour a row": one * colours, "a colour a column": one * colours[:, 0], "a line on 77": dark_line,
    }  # fmt: skip


def test_plain_clips_over_a_natural_one(capsys):
    side = SIDES[0]
    clips = {"natural": scene(4, side), **plain_clips(side)}
    with capsys.disabled():
        print("\n\ncells that take over twice the time on a plain clip")
        for name, severity in itertools.product(corruptions.names(), (1, 3, 4, 5)):
            calls = {what: partial(corruptions.corrupt, clip, name, severity, "k") for what, clip in clips.items()}
            spent = {what: min(each) for what, each in interleaved(calls, 3, processor_seconds).items()}
            slow = {what: f"{t / spent['natural']:.1f}" for what, t in spent.items() if t > 2 * spent["natural"]}
            if slow:
                print(f"{name:32}{severity}  {1000 * spent['natural']:7.2f} ms  {slow}")


def test_compile_times_in_fresh_processes(tmp_path, capsys):
    main_job = load_config("ucf101_rigl").evaluation.suite
    jobs = {"every corruption": (), f"the main job ({main_job})": corruptions.suite(main_job)}
    with capsys.disabled():
        print("\n\nseconds to compile or load all kernels (and of the whole process)")
        for number, (job, names) in enumerate(jobs.items()):
            environment = {**os.environ, **ONE_THREAD, "NUMBA_CACHE_DIR": str(tmp_path / str(number))}
            for state in ("cold", "warm"):
                said = list[str]()
                whole = seconds(lambda e=environment, n=names, said=said: said.append(run(COMPILE, n, e)))
                print(f"{job:32}{state:6}{float(said[0]):7.1f}  ({whole:.1f})")


def run(code: str, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
