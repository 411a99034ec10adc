import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsparse.data.sampling import train_indices, view_indices

videos = st.integers(1, 400)
clips = st.fixed_dictionaries(
    {"frames": st.integers(1, 32), "stride": st.integers(1, 8), "short": st.sampled_from(["loop", "clamp"])}
)
samplings = st.sampled_from(["dense", "uniform"])


@given(videos, clips, samplings, st.integers(0, 99))
def test_training_indices_are_inside_the_video_and_repeat_with_the_seed(n_frames, clip, sampling, seed):
    first, again = (
        train_indices(n_frames, sampling=sampling, rng=np.random.default_rng(seed), **clip) for _ in range(2)
    )
    assert first.dtype == np.int64
    assert first.shape == (clip["frames"],)
    assert 0 <= first.min() <= first.max() < n_frames
    np.testing.assert_array_equal(first, again)


@given(videos, clips, samplings, st.integers(1, 12))
def test_views_are_inside_the_video_and_their_starts_never_go_back(n_frames, clip, sampling, views):
    indices = view_indices(n_frames, sampling=sampling, views=views, **clip)
    assert indices.dtype == np.int64
    assert indices.shape == (views, clip["frames"])
    assert 0 <= indices.min() <= indices.max() < n_frames
    assert (np.diff(indices[:, 0]) >= 0).all()


@given(clips, st.integers(0, 300), st.integers(2, 10))
def test_dense_views_keep_the_stride_and_reach_from_the_first_frame_to_the_last(clip, room, views):
    n_frames = (clip["frames"] - 1) * clip["stride"] + 1 + room
    indices = view_indices(n_frames, sampling="dense", views=views, **clip)
    assert (np.diff(indices, axis=1) == clip["stride"]).all()
    assert indices[0, 0] == 0
    assert indices[-1, -1] == n_frames - 1


@given(clips, st.integers(0, 300))
def test_one_dense_view_is_centred(clip, room):
    n_frames = (clip["frames"] - 1) * clip["stride"] + 1 + room
    view = view_indices(n_frames, sampling="dense", views=1, **clip)[0]
    assert abs(view[0] - (n_frames - 1 - view[-1])) <= 1


@given(st.integers(1, 32), st.integers(0, 300), st.integers(1, 5), st.integers(0, 99))
def test_uniform_takes_one_frame_of_each_part(frames, more, views, seed):
    n_frames = frames + more
    bounds = np.arange(frames + 1) * n_frames // frames
    train = train_indices(n_frames, frames, 1, "uniform", "loop", np.random.default_rng(seed))
    for clip in (train, *view_indices(n_frames, frames, 1, "uniform", "loop", views)):
        assert (bounds[:-1] <= clip).all()
        assert (clip < bounds[1:]).all()


def test_dense_training_starts_take_every_possible_value():
    starts = {int(train_indices(20, 4, 4, "dense", "loop", np.random.default_rng(seed))[0]) for seed in range(200)}
    assert starts == set(range(20 - 12))


@pytest.mark.parametrize(
    ("short", "expected"), [("loop", [0, 2, 4, 1, 3, 0]), ("clamp", [0, 2, 4, 4, 4, 4])], ids=["loop", "clamp"]
)
def test_a_video_shorter_than_the_span(short, expected):
    rng = np.random.default_rng(0)
    assert train_indices(5, 6, 2, "dense", short, rng).tolist() == expected
    assert view_indices(5, 6, 2, "dense", short, 2).tolist() == [expected, expected]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sampling", ["dense", "uniform"])
@pytest.mark.parametrize("short", ["loop", "clamp"])
def test_a_video_without_frames_is_asked_for_its_first_one(sampling, short):
    assert train_indices(0, 3, 2, sampling, short, np.random.default_rng(0)).tolist() == [0, 0, 0]
    assert view_indices(0, 3, 2, sampling, short, 2).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_published_positions():
    """The middle frame of eight equal parts of 80 frames; ten views of 16 x 4 over 151 frames start 10 apart."""
    assert view_indices(80, 8, 1, "uniform", "loop", 1).tolist() == [[5, 15, 25, 35, 45, 55, 65, 75]]
    assert view_indices(151, 16, 4, "dense", "loop", 10)[:, 0].tolist() == list(range(0, 100, 10))
