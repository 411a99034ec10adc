"""What a training step sees is a function of (seed, step), whoever loads it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.transforms import composed, seeded
from vidsparse.config import AugmentConfig, DataConfig
from vidsparse.data.clips import Clips, load_clips
from vidsparse.data.loader import Steps, TrainingClips, make_loader, split_units, to_input
from vidsparse.data.sampling import train_indices
from vidsparse.utils.errors import ClipDecodeError

SMALL = {"frames": 4, "stride": 2, "short_side": 40, "size": 32}


@pytest.fixture(scope="module")
def clips(tiny_root, tmp_path_factory):
    config = DataConfig(source="folder", root=str(tiny_root), **SMALL)
    return load_clips(config, 0, tmp_path_factory.mktemp("index"))


def batches(clips, workers, start=0, stop=6):
    steps = Steps(len(clips.train), 4, seed=5)
    steps.start, steps.stop = start, stop
    return list(make_loader(TrainingClips(clips, seed=5), workers, batch_sampler=steps))


def same(one, two):
    return all(torch.equal(a, b) for x, y in zip(one, two, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.slow
def test_batches_do_not_depend_on_workers_or_on_where_a_run_resumes(clips):
    whole = batches(clips, 0)
    assert same(whole, batches(clips, 1))
    assert same(whole, batches(clips, 2))
    assert same(whole[4:], batches(clips, 0, start=4))
    assert not same(whole[:3], whole[3:])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 1)):
        for name in ("fine", "coarse"):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (40, 44, 3), np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{number}.jpeg")
    config = DataConfig(source="folder", root=str(root), **SMALL | {"frames": 1})
    return load_clips(config, 0, root / "index")


def by_hand(clips, batch, of_batch=4):
    """One batch, each clip read and augmented alone by transforms of albumentations."""
    config, how = clips.config, clips.config.augment
    upright, either = (composed(how, 32, flip) for flip in (False, True))
    epoch, number = divmod(batch, len(clips.train) // of_batch)
    made = []
    for position in np.random.default_rng((5, epoch)).permutation(len(clips.train))[number * of_batch :][:of_batch]:
        rng, sample = np.random.default_rng((5, epoch, int(position))), clips.train[position]
        indices = train_indices(clips.n_frames(sample), config.frames, config.stride, "dense", "loop", rng)
        pipeline = upright if sample.label in clips.unflippable else either
        seeded(pipeline, int(rng.integers(2**31)))
        made.append((pipeline(images=clips.read(sample, indices))["images"], sample.label, position))
    return [torch.from_numpy(np.stack(each)) for each in zip(*made, strict=True)]


@pytest.mark.parametrize("kind", ["clips", "pictures"])
@pytest.mark.parametrize("augment", [AugmentConfig(), AugmentConfig(pad=4, color=0), AugmentConfig(pad=4, color=0.5)])
def test_batches_are_those_of_clips_read_and_augmented_one_by_one(kind, augment, request):
    clips = request.getfixturevalue(kind)
    clips = replace(clips, config=replace(clips.config, augment=augment))
    expected = [by_hand(clips, batch) for batch in range(6)]
    assert same(expected, batches(clips, 0))
    assert same(expected[4:], batches(clips, 0, start=4))  # in the middle of the second epoch


@pytest.mark.slow
def test_batches_of_pictures_do_not_depend_on_workers(pictures):
    expected = [by_hand(pictures, batch) for batch in range(6)]
    assert same(expected, batches(pictures, 2))
    assert same(expected[4:], batches(pictures, 2, start=4))


@pytest.mark.parametrize(("room", "reads"), [(12 * 40 * 44 * 3, 12), (12 * 40 * 44 * 3 - 1, 24)])
def test_pictures_are_decoded_once_where_all_of_them_fit(pictures, room, reads, monkeypatch):
    seen, read = [], Clips.read
    monkeypatch.setattr(Clips, "read", lambda *given: seen.append(given) or read(*given))
    monkeypatch.setattr("vidsparse.data.loader._KEPT", room)
    batches(pictures, 0)  # two epochs
    assert len(seen) == reads


def test_each_epoch_shows_every_clip_once_and_other_frames_of_it(clips):
    first, second = batches(clips, 0)[:3], batches(clips, 0)[3:]
    for epoch in (first, second):
        assert sorted(int(p) for _, _, places in epoch for p in places) == list(range(12))
    one, two = (
        {int(p): c for pixels, _, places in epoch for p, c in zip(places, pixels, strict=True)}
        for epoch in (first, second)
    )
    assert any(not torch.equal(one[p], two[p]) for p in one)


def test_processes_share_a_batch_without_overlap():
    steps = [Steps(10, 4, seed=1, rank=rank, world=2) for rank in range(2)]
    alone = Steps(10, 4, seed=1)
    for each in (*steps, alone):
        each.stop = 4
    for left, right, whole in zip(*steps, alone, strict=True):
        assert sorted(left + right) == sorted(whole)
        assert len(left) == len(right) == 2


def test_a_clip_that_cannot_be_read_is_replaced_and_counted_or_raised(tiny_root, tmp_path):
    import shutil

    root = tmp_path / "broken"
    shutil.copytree(tiny_root, root)
    bad = sorted((root / "train" / "Left").iterdir())[0]
    bad.write_bytes(b"not a video")
    for policy in ("substitute", "raise"):
        config = DataConfig(source="folder", root=str(root), on_error=policy, **SMALL)
        dataset = TrainingClips(load_clips(config, 0, tmp_path / "index"), seed=0)
        position = next(i for i, s in enumerate(dataset._clips.train) if s.path == bad)
        if policy == "raise":
            with pytest.raises(ClipDecodeError, match=bad.name):
                dataset[0, position]
        else:
            pixels, _, place = dataset[0, position]
            assert place == -1 - position
            assert pixels.shape == (4, 32, 32, 3)
            assert torch.equal(pixels, dataset[0, position][0])


def test_input_is_normalised_per_channel():
    pixels = torch.full((2, 4, 8, 8, 3), 255, dtype=torch.uint8)
    out = to_input(pixels, "kinetics")
    assert out.shape == (2, 3, 4, 8, 8)
    expected = (1 - np.array([0.43216, 0.394666, 0.37645])) / np.array([0.22803, 0.22145, 0.216989])
    assert out[0, :, 0, 0, 0].tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_units_cover_all_positions_once():
    assert [list(unit) for unit in split_units(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]
