import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corruptions import CorruptionError, corrupt, frame_order, frames_needed


@pytest.mark.parametrize(("n_frames", "kept"), [(300, [120, 60, 30, 15, 1]), (16, [6, 3, 1, 2, 1]), (1, [1] * 5)])
def test_freeze_keeps_the_published_number_of_frames(n_frames: int, kept: list[int]) -> None:
    assert [len(set(frame_order("freeze", s, n_frames, "k"))) for s in range(1, 6)] == kept


@given(st.integers(1, 400), st.integers(1, 5), st.text(max_size=8))
def test_freeze_holds_each_kept_frame_until_the_next(n_frames: int, severity: int, key: str) -> None:
    order = frame_order("freeze", severity, n_frames, key)
    first = order[0]
    assert order.shape == (n_frames,)
    assert np.all(np.diff(order) >= 0)
    assert np.all(order[order] == order)  # a shown frame shows itself
    assert np.all(order[:first] == first)
    assert np.all(order[first:] <= np.arange(first, n_frames))


@given(st.integers(30, 400), st.text(max_size=8))
def test_a_harder_freeze_shows_a_subset(n_frames: int, key: str) -> None:
    shown = [set(frame_order("freeze", severity, n_frames, key)) for severity in range(6)]
    assert all(harder <= milder for milder, harder in itertools.pairwise(shown))


def test_the_map_covers_the_whole_video_and_not_the_clip() -> None:
    order = frame_order("freeze", 2, 100, "k")
    assert frames_needed("freeze", 2, range(40, 56), 100, "k").tolist() == sorted(set(order[40:56]))
    video = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)
    wanted = [50, 42, 40]
    needed = frames_needed("freeze", 2, wanted, 100, "k")
    out = corrupt(video[needed], "freeze", 2, "k", indices=needed, outputs=wanted, n_frames=100)
    assert out[:, 0, 0, 0].tolist() == order[wanted].tolist()


def test_only_index_maps_have_an_order() -> None:
    with pytest.raises(CorruptionError, match="contrast does not reorder frames"):
        frame_order("contrast", 3, 16)
