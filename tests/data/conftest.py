from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from vidsparse.data.datasets.sample_videos import write_video

Pictures = np.ndarray
SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def moving_pictures(n: int = 40, height: int = 72, width: int = 96, seed: int = 0) -> Pictures:
    """uint8 (n, height, width, 3): smooth texture that moves two pixels a frame, so that every frame is another."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(20, 200, (height // 6 + 8, (width + 2 * n) // 6 + 8, 1), dtype=np.uint8) + np.uint8(
        [0, 20, 50]
    )
    canvas = cv2.resize(noise, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    return np.stack([canvas[:height, 2 * t : 2 * t + width] for t in range(n)])


@pytest.fixture(scope="session", name="moving_pictures")
def moving_pictures_maker() -> Callable[..., Pictures]:
    """moving_pictures(n, height, width, seed), for tests that need other sizes."""
    return moving_pictures


@pytest.fixture(scope="session")
def avi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean clip as UCF101 has them: 40 frames, 96 x 72, MPEG-4 in AVI, a key frame every 12."""
    return write_video(tmp_path_factory.mktemp("avi") / "clip.avi", moving_pictures())


@pytest.fixture(scope="session")
def h264(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as H.264 in MP4, with B-frames."""
    return write_video(tmp_path_factory.mktemp("mp4") / "clip.mp4", moving_pictures(), "libx264", {"crf": "18"})


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """shared("videos/x.mp4"): a file of the real data beside the repository; skips where it is absent."""

    def find(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"real data not at hand: ../shared/data/{name}")
        return SHARED / name

    return find


@pytest.fixture(scope="session")
def cases() -> Callable[[str], Path]:
    """cases("grey16.pgm"): one of the small files that go wrong, made elsewhere; skips where it is absent."""

    def find(name: str) -> Path:
        path = SHARED.parent / "cases" / name
        if not path.exists():
            pytest.skip(f"not at hand: ../shared/cases/{name}")
        return path

    return find


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[..., Path]:
    """make_tree("a/b.avi", ..., text={"list.txt": "..."}): empty files and lists below a folder, which it returns."""

    def make(*files: str, text: dict[str, str] | None = None) -> Path:
        for name, content in {**dict.fromkeys(files, ""), **(text or {})}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content.encode())
        return tmp_path

    return make
