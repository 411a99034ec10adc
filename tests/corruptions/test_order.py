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


CASES = [
    ("sampling", 1, 7, [0, 0, 2, 2, 4, 4, 6]),
    ("sampling", 3, 16, 8 * [0] + 8 * [8]),
    ("sampling", 5, 16, 16 * [0]),
    ("reverse_sampling", 1, 7, [6, 4, 4, 2, 2, 0, 0]),
    ("reverse_sampling", 2, 10, [8, 8, 4, 4, 4, 4, 0, 0, 0, 0]),
]


@pytest.mark.parametrize(("name", "severity", "n_frames", "order"), CASES)
def test_sampling_repeats_every_cth_frame_in_place(name: str, severity: int, n_frames: int, order: list[int]) -> None:
    assert frame_order(name, severity, n_frames).tolist() == order


def test_a_centre_clip_sees_what_a_slower_camera_would_have() -> None:
    """16 frames, every second one, in the middle of a video of 186: the published strides are 2, 4, 8, 16, 32."""
    view = 77 + 2 * np.arange(16)
    cells = {
        ("ucf101_p", "sampling"): [16, 8, 5, 3, 2],
        ("ucf101_p", "reverse_sampling"): [16, 9, 5, 3, 2],
        ("video_c", "sampling"): [11, 6, 3, 2, 2],
    }
    for (profile, name), distinct in cells.items():
        orders = [frame_order(name, severity, 186, profile=profile) for severity in range(1, 6)]
        assert [len(set(order[view])) for order in orders] == distinct


NESTED = [("ucf101_p", "sampling"), ("ucf101_p", "reverse_sampling"), ("video_c", "sampling"), ("video_c", "freeze")]


@given(st.sampled_from(NESTED), st.integers(1, 400), st.data())
def test_a_harder_level_shows_any_clip_no_more_frames_and_displaces_them_no_less(
    cell: tuple[str, str], n_frames: int, data: st.DataObject
) -> None:
    """Whatever the video's length, and the clip's place, length and stride."""
    profile, name = cell
    stride, first = data.draw(st.integers(1, 8)), data.draw(st.integers(0, n_frames - 1))
    clip = np.arange(first, n_frames, stride)[: data.draw(st.integers(1, 64))]
    orders = [frame_order(name, severity, n_frames, "k", profile) for severity in range(1, 6)]
    assert np.all(np.diff([len(set(order[clip])) for order in orders]) <= 0)
    due = clip if name != "reverse_sampling" else n_frames - 1 - clip
    if name != "freeze":  # which has none before its first kept frame
        assert np.all(np.diff([np.abs(order[clip] - due) for order in orders], axis=0) >= 0)


@given(st.floats(12, 60), st.integers(1, 300), st.integers(1, 8), st.integers(16, 64))
def test_a_lower_frame_rate_shows_a_clip_no_more_frames(fps: float, first: int, stride: int, length: int) -> None:
    clip = first + stride * np.arange(length)
    orders = [frame_order("frame_rate", severity, clip[-1] + 1, fps=fps) for severity in range(1, 6)]
    assert np.all(np.diff([len(set(order[clip])) for order in orders]) <= 0)


@given(st.integers(1, 200), st.integers(1, 5), st.text(max_size=8))
def test_jumble_shuffles_within_segments_and_box_jumble_shuffles_segments(n: int, severity: int, key: str) -> None:
    segment = (32, 16, 8, 4, 2)[severity - 1]
    order = frame_order("jumble", severity, n, key)
    assert sorted(order) == list(range(n))
    assert np.array_equal(order // segment, np.arange(n) // segment)
    segment = (4, 9, 16, 25, 36)[severity - 1]
    order = frame_order("box_jumble", severity, n, key)
    assert sorted(order) == list(range(n))
    jumps = np.flatnonzero(np.diff(order) != 1)
    assert np.all((order[jumps + 1] % segment) == 0)


@pytest.mark.parametrize("name", ["jumble", "box_jumble"])
def test_every_place_is_equally_likely(name: str) -> None:
    places = [int(np.flatnonzero(frame_order(name, 1, 32, str(key)) == 0)[0]) for key in range(1600)]
    size = 32 if name == "jumble" else 8
    counts = np.histogram(places, size, (0, 32))[0]
    assert ((counts - 1600 / size) ** 2 / (1600 / size)).sum() < (61 if size == 32 else 24)  # p < 0.001


def test_frame_rate_shows_c_frames_a_second() -> None:
    for severity, rate in enumerate((20, 16, 12, 9, 6), 1):
        for fps in (25.0, 29.97):
            order = frame_order("frame_rate", severity, 500, fps=fps)
            assert abs(len(set(order)) - 500 / fps * rate) <= 1
            assert np.array_equal(order[order], order)
            held = np.arange(500) - order
            assert held.min() == 0
            assert held.max() < fps / rate
    assert frame_order("frame_rate", 5, 8, fps=24).tolist() == [0, 0, 0, 0, 4, 4, 4, 4]
    assert frame_order("frame_rate", 1, 5, fps=15).tolist() == [0, 1, 2, 3, 4]


def test_frames_needed_and_corrupt_share_the_clock() -> None:
    video = np.arange(64, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)
    needed = frames_needed("frame_rate", 5, [33, 34], 64, fps=50)
    out = corrupt(video[needed], "frame_rate", 5, indices=needed, outputs=[33, 34], n_frames=64, fps=50)
    assert out[:, 0, 0, 0].tolist() == [25, 34]


@given(st.integers(0, 60), st.sampled_from(["sampling", "jumble", "box_jumble", "frame_rate", "reverse_sampling"]))
def test_the_length_is_always_kept(n_frames: int, name: str) -> None:
    for severity in range(1, 6):
        order = frame_order(name, severity, n_frames, "k")
        assert order.shape == (n_frames,)
        assert order.dtype == np.int64
        assert np.all((order >= 0) & (order < max(n_frames, 1)))
