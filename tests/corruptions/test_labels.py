"""The labels of pixels go where the picture goes: by the same map, for every corruption."""

from itertools import product

import numpy as np
import pytest

import corruptions
from corruptions import REGISTRY, corrupt, corrupt_labels, frame_order, frames_needed, names
from corruptions.exceptions import MissingFrames, WrongFrames

HEIGHT, WIDTH, FRAMES = 49, 67, 3  # odd, so that a centre or a border that is off by one shows
CLASSES, VOID = 6, 255
DISPLACING = [name for name in names() if REGISTRY[name].moves == "picture"]
ORDER = [name for name in names() if REGISTRY[name].moves == "order"]
STILL = [name for name in names() if not REGISTRY[name].moves]
DARK, LIGHT = 100.0, 160.0


def regions(frames: int = FRAMES, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Labels of six regions that reach every border, other ones in each frame."""
    rows, columns = np.mgrid[:height, :width]
    blocks = (rows * 2 // height) * 3 + columns * 3 // width
    return np.stack([(np.roll(blocks, 5 * t, axis=1) + t) % CLASSES for t in range(frames)]).astype(np.uint8)


def shares(labels: np.ndarray, move) -> tuple[np.ndarray, np.ndarray]:
    """How much of each class a moved picture shows at each pixel, and where that can be told.

    A picture for each pair of classes: red stays, green and blue are lighter in one class each. What the corruption
    adds to all three channels, such as the glare of water, cancels.
    """
    found, sure = [], np.ones(labels.shape, bool)
    for pair in range(0, CLASSES, 2):
        lit = [np.full(labels.shape, DARK), *(np.where(labels == c, LIGHT, DARK) for c in (pair, pair + 1))]
        moved = move(np.stack(lit, axis=-1).astype(np.uint8)).astype(float)
        sure &= ((moved > 0) & (moved < 255)).all(axis=-1)  # nothing clipped, nothing from outside the frame
        found += [(moved[..., c] - moved[..., 0]) / (LIGHT - DARK) for c in (1, 2)]
    return np.stack(found), sure


CASES = [(n, s, m) for n in DISPLACING for s, m in product((1, 3, 5), REGISTRY[n].modes)]


@pytest.mark.parametrize(("name", "severity", "mode"), CASES)
def test_labels_move_by_the_map_that_moves_the_picture(name, severity, mode):
    labels = regions()
    asked = {"temporal": mode, "key": "k", "resolution": "relative"}
    moved = corrupt_labels(labels, name, severity, **asked)
    seen, sure = shares(labels, lambda frames: corrupt(frames, name, severity, **asked))
    assert sure.mean() > 0.5
    for c in range(CLASSES):
        pure = sure & (seen[c] > 0.97)  # away from borders of regions, where colours mix
        assert pure.sum() > 20
        assert (moved[pure] == c).all()
        assert (seen[c][sure & (moved == c)] > 0.1).all()  # and at a border it is one of those that mix there


@pytest.mark.parametrize("name", ["rotate", "static_rotate", "translate"])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_what_takes_the_nearest_pixel_agrees_everywhere(name, severity):
    labels = regions(4)
    picture = np.repeat((labels * 30 + 20)[..., None], 3, axis=-1)
    shown = corrupt(picture, name, severity, "k")[..., 0]
    moved = corrupt_labels(labels, name, severity, "k")
    assert np.array_equal(shown, np.where(moved == VOID, 0, moved * 30 + 20))
    assert (moved != labels).any()


@pytest.mark.parametrize("name", ["ripple", "caustic_refraction", "pinch_and_twirl"])
def test_what_comes_from_outside_is_void_and_only_that(name):
    """Two greys differ inside the frame alone: light changes both, and outside both are black."""
    asked = {"temporal": "independent", "key": "k"}
    dark, light = (corrupt(np.full((2, 149, 167, 3), v, np.uint8), name, 5, **asked)[..., 0] for v in (100, 130))
    moved = corrupt_labels(np.ones((2, 149, 167), np.uint8), name, 5, **asked)
    assert set(np.unique(moved)) <= {1, VOID}
    shown = light.astype(int) - dark
    clipped = (dark == 0) | (light == 255)
    assert (shown[moved == VOID] <= 23).all()  # at a corner a pixel that weighs a quarter can be the heaviest
    assert (shown[(moved == 1) & ~clipped] >= 6).all()
    assert name == "pinch_and_twirl" or (moved == VOID).any()


def test_the_fill_is_a_label_of_ones_own():
    ones = np.ones((1, 20, 20), np.uint8)
    for fill in (0, 7, 255):
        assert corrupt_labels(ones, "static_rotate", 2, fill=fill)[0, 0, 0] == fill
        assert corrupt_labels(ones, "static_rotate", 2, fill=fill)[0, 10, 10] == 1


@pytest.mark.parametrize("name", ["elastic_transform", "translate"])
def test_borders_that_mirror_the_frame_mirror_its_labels(name):
    assert VOID not in corrupt_labels(regions(), name, 5, "k", temporal="independent")


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize("severity", [1, 5])
def test_order_corruptions_reorder_the_labels(name, severity):
    labels = regions(240, 16, 24)
    order = frame_order(name, severity, 240, "k", fps=25.0)
    assert (order != np.arange(240)).any()
    assert np.array_equal(corrupt_labels(labels, name, severity, "k", fps=25.0), labels[order])


@pytest.mark.parametrize("name", STILL)
def test_all_others_leave_the_labels_alone_and_need_no_frame_but_the_outputs(name):
    labels = regions()
    for severity in (0, 5):
        left = corrupt_labels(labels, name, severity, indices=(4, 7, 5), outputs=(5, 4), n_frames=30)
        assert np.array_equal(left, labels[[2, 0]])
        assert not np.shares_memory(left, labels)


def test_every_corruption_says_what_it_does_to_labels():
    assert set(DISPLACING) == {
        *("rotate", "static_rotate", "translate", "elastic_transform", "rolling_shutter"),
        *("caustic_refraction", "pinch_and_twirl", "ripple"),
    }
    assert set(ORDER) == {*names("order"), *names("probe")}
    assert len(DISPLACING) + len(ORDER) + len(STILL) == len(REGISTRY)


@pytest.mark.parametrize("name", DISPLACING + ORDER)
@pytest.mark.parametrize("severity", [0, 4])
def test_alone_in_chunks_and_backwards_the_labels_are_the_same(name, severity):
    labels, before = regions(6), regions(6)
    whole = corrupt_labels(labels, name, severity, "k")
    for outputs in ((3,), (0, 1), (5, 4, 3, 2, 1, 0)):
        needed = frames_needed(name, severity, outputs, 6, "k")
        given = needed[::-1]
        made = corrupt_labels(labels[given], name, severity, "k", indices=given, outputs=outputs, n_frames=6)
        assert np.array_equal(made, whole[list(outputs)])
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("name", DISPLACING)
@pytest.mark.parametrize("size", [(1, 16, 16), (1, 17, 90), (2, 64, 31)])
def test_single_frames_and_odd_sizes(name, size):
    labels = regions(*size)
    moved = corrupt_labels(labels, name, 3, "k")
    assert moved.shape == size
    assert moved.dtype == np.uint8
    assert set(np.unique(moved)) <= {*range(CLASSES), VOID}


def test_the_labels_of_one_frame_do_not_depend_on_another():
    one, other = regions(3), regions(3)
    other[[0, 2]] = 1
    for name in DISPLACING:
        first, second = (corrupt_labels(labels, name, 4, "k")[1] for labels in (one, other))
        assert np.array_equal(first, second)


def test_what_cannot_be_is_said_in_a_sentence():
    labels = regions()
    with pytest.raises(WrongFrames, match=r"int64: .*uint8 labels of shape \(T, H, W\)"):
        corrupt_labels(labels.astype(np.int64), "fog", 1)
    with pytest.raises(WrongFrames, match=r"shape \(49, 67\)"):
        corrupt_labels(labels[0], "fog", 1)
    with pytest.raises(WrongFrames, match="fill 256"):
        corrupt_labels(labels, "fog", 1, fill=256)
    with pytest.raises(MissingFrames):
        corrupt_labels(labels, "reverse_sampling", 3, indices=(0, 1, 2), n_frames=30)
    with pytest.raises(corruptions.UnknownName, match="rotate"):
        corrupt_labels(labels, "rotat", 3)
