"""A mask stays with its picture: on the canvas, under augmentation, in batches, in every process."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import corruptions
from helpers.regions import COLOURS, VOID, agree, image_set, regions, video_set
from vidsparse.config import AugmentConfig, DataConfig, EvaluationConfig
from vidsparse.config.change import changed
from vidsparse.data.augment import Augment
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import CLEAN_CELL, Cell
from vidsparse.data.indexing.cache import FrameCache
from vidsparse.data.loader import Steps, TrainingClips, center_clip, center_masks, make_loader, split_units
from vidsparse.data.reading import mask_files
from vidsparse.utils.errors import ClipDecodeError

CELLS = (
    CLEAN_CELL,
    Cell("gaussian_noise", "imagenet_c", 1),
    Cell("rotate", "ucf101_p", 3),
    Cell("elastic_transform", "imagenet_c", 4),
    Cell("freeze", "ucf101_p", 4),
    Cell("reverse_sampling", "ucf101_p", 3),
    Cell("h264_crf", "kinetics_c", 1),
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    root = video_set(tmp_path_factory.mktemp("videos"))
    config = DataConfig("video_masks", str(root), frames=4, stride=2, short_side=48, size=40)
    return load_clips(config, 0, root / "index")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = image_set(tmp_path_factory.mktemp("pictures"))
    config = DataConfig("image_masks", str(root), frames=1, stride=1, short_side=40, size=32)
    return load_clips(config, 0, root / "index")


@pytest.mark.parametrize("short_side", [61, 40, 48, 90])
def test_the_canvas_brings_both_to_one_size_and_place(short_side, tmp_path):
    root = image_set(tmp_path, count=1)
    clips = load_clips(DataConfig("image_masks", str(root), short_side=short_side), 0, root / "index")
    sample = clips.test[0]
    frames, labels = clips.read(sample, [0]), clips.masks(sample, [0])
    assert labels.shape == frames.shape[:3] == (1, *clips.size(sample))
    assert agree(frames, labels) > 0.5


@pytest.mark.parametrize("settings", [{}, {"scale": [0.2, 0.4]}, {"pad": 8}, {"flip": False, "scale": [0.5, 0.6]}])
def test_augmentation_is_one_draw_for_both(settings):
    labels = np.stack([regions(61, 83, 3 * t) for t in range(3)])
    clip = COLOURS[labels]
    augment = Augment(AugmentConfig(color=0.0, **settings), 48)
    moved = [augment.with_masks(clip, labels, 0, seed) for seed in range(20)]
    for frames, classes in moved:
        assert classes.dtype == np.uint8
        assert classes.shape == frames.shape[:3] == (3, 48, 48)
        assert agree(frames, classes) > 0.4
        if "pad" in settings:  # the border is black, and void
            assert np.array_equal(classes == VOID, (frames == 0).all(axis=-1))
        else:
            assert VOID not in classes
    assert len({classes.tobytes() for _, classes in moved}) > 5
    assert all(np.array_equal(augment(clip, 0, seed), frames) for seed, (frames, _) in enumerate(moved))


def test_colour_jitter_leaves_the_mask_alone():
    labels = regions(48, 48)[None]
    augment = Augment(AugmentConfig(color=0.9, flip=False, scale=[1.0, 1.0]), 48)
    frames, classes = augment.with_masks(COLOURS[labels], labels, 0, 3)
    assert (frames != COLOURS[labels]).any()
    assert set(np.unique(classes)) == {0, 1, 2, 3}


@pytest.mark.parametrize("which", ["videos", "pictures"])
def test_the_target_of_a_training_clip_is_its_mask(which, request):
    clips = request.getfixturevalue(which)
    clips = replace(clips, config=changed(clips.config, {"augment.color": 0.0}))
    clip, target, place = TrainingClips(clips, 5)[2, 1]
    assert target.dtype == torch.uint8
    assert place == 1
    assert agree(clip.numpy(), target.numpy()) > 0.4
    shown, truth = center_clip(clips, clips.train[0]), center_masks(clips, clips.train[0])
    assert agree(shown, truth) > 0.4


@pytest.mark.slow
def test_batches_are_the_same_from_any_number_of_workers(videos):
    def loaded(workers):
        steps = Steps(len(videos.train), 2, 0)
        steps.stop = 2
        return list(make_loader(TrainingClips(videos, 0), workers, batch_sampler=steps))

    for one, other in zip(loaded(0), loaded(2), strict=True):
        assert one[1].shape == (2, 4, 40, 40)
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def evaluated(clips, evaluation=None, workers=0, cells=CELLS):
    units = list(enumerate(split_units(len(clips.test), 1)))
    source = CorruptedUnits(clips, evaluation or EvaluationConfig(), cells, units)
    return {(batch.unit, batch.cell): batch for batch in make_loader(source, workers, batch_size=None)}


@pytest.mark.parametrize("evaluation", [
    {},
    {"views": 2},
    {"canvas": "frame", "crops": 3},
    {"canvas": "source"},
    {"max_clip_mb": 0},
])  # fmt: skip
def test_masks_go_with_the_pictures_of_every_cell(videos, evaluation):
    made = evaluated(videos, EvaluationConfig(**evaluation))
    for (_, cell), batch in made.items():
        clips, labels = batch.clips.numpy(), batch.masks.numpy()
        assert labels.shape == clips.shape[:4]
        if CELLS[cell].corruption not in ("gaussian_noise", "h264_crf"):
            assert agree(clips, labels, tolerance=3, reach=3) > 0.2, CELLS[cell]  # resized, then bent
    moved = {CELLS[cell].corruption for (_, cell), b in made.items() if not torch.equal(b.masks, made[0, 0].masks)}
    assert {"rotate", "elastic_transform", "freeze", "reverse_sampling"} <= moved


def test_masks_are_those_that_the_corruption_itself_gives(videos):
    sample = videos.test[1]
    whole = np.ascontiguousarray(videos.masks(sample, range(9))[:, 4:44, 13:53])
    for (unit, cell), batch in evaluated(videos).items():
        if unit == 1 and CELLS[cell].severity:
            name, profile, severity = vars(CELLS[cell]).values()
            key = f"0/video_masks/{sample.id}"
            moved = corruptions.corrupt_labels(
                whole, name, severity, key, profile=profile, resolution="relative", fps=24.0
            )
            assert np.array_equal(batch.masks[0], moved[1:9:2])


def test_cells_that_leave_masks_alone_share_them(videos):
    made = evaluated(videos)
    where = {CELLS[cell].corruption: batch.masks.data_ptr() for (unit, cell), batch in made.items() if unit == 0}
    assert where["gaussian_noise"] == where["h264_crf"] == where["clean"]
    assert len(set(where.values())) == 5


@pytest.mark.slow
def test_workers_and_the_cache_change_nothing(videos, tmp_path):
    from dataclasses import replace

    kept = replace(videos, kept=FrameCache(tmp_path / "frames", 2**30))
    whole = evaluated(videos)
    for other in (evaluated(videos, workers=2), evaluated(kept), evaluated(kept)):
        assert all(torch.equal(whole[at].masks, other[at].masks) for at in whole)
        assert all(torch.equal(whole[at].clips, other[at].clips) for at in whole)
    assert kept.kept.hits == kept.kept.misses == 4  # frames and masks of two videos


def test_sets_without_masks_have_none(tiny_root, tmp_path):
    clips = load_clips(DataConfig("folder", str(tiny_root), frames=2, short_side=40, size=32), 0, tmp_path)
    assert evaluated(clips, cells=CELLS[:1])[0, 0].masks is None
    assert isinstance(TrainingClips(clips, 0)[0, 0][1], int)
    assert center_masks(clips, clips.train[0]) is None


def test_a_clip_whose_mask_breaks_is_void_and_not_ok(tmp_path):
    root = video_set(tmp_path)
    clips = load_clips(DataConfig("video_masks", str(root), frames=4, short_side=48, size=40), 0, root / "index")
    (root / "test/masks/video0/00003.png").write_bytes(b"nothing")
    batch = evaluated(clips, cells=CELLS[:2])[0, 0]
    assert not batch.ok.any()
    assert (batch.masks == VOID).all()
    with pytest.raises(ClipDecodeError, match=r"video0/00003.png: cannot be read as a mask"):
        evaluated(clips, EvaluationConfig(on_error="raise"), cells=CELLS[:2])


def test_the_strip_has_the_masks_of_its_clips(videos):
    source = CorruptedUnits(videos, EvaluationConfig(), CELLS, ())
    clips, truth = source.strip(0), source.mask_strip(0)
    assert clips.keys() == truth.keys()
    assert agree(clips["rotate/3"], truth["rotate/3"]) > 0.3


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_values_stand_in_the_png_as_they_are(mode, tmp_path):
    values = (regions(20, 30) if mode != "1" else regions(20, 30) > 0).astype(np.uint8)
    image = Image.fromarray(values) if mode != "1" else Image.fromarray(values.astype(bool))
    if mode == "P":
        image.putpalette([7, 7, 7] * 4)
    image.save(tmp_path / "mask.png")
    assert Image.open(tmp_path / "mask.png").mode == mode
    assert np.array_equal(mask_files.read("class_ids", tmp_path / "mask.png", None, [0])[0], values)


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_a_picture_that_is_no_mask_is_named(mode, tmp_path):
    path = tmp_path / "mask.png"
    pixels = np.zeros((20, 20, 3), np.uint8) if mode == "RGB" else np.zeros((20, 20), np.uint16)
    Image.fromarray(pixels).save(path)
    (info,) = mask_files.inspect("class_ids", path)
    assert not info.n_frames
    assert info.error.startswith(f"{path}: it has mode {mode}; a mask has one 8-bit value")


def test_codes_turn_values_into_class_ids():
    roads = mask_files.CODES["cityscapes_ids"]
    assert [int(roads[value]) for value in (7, 8, 11, 26, 33)] == [0, 1, 2, 13, 18]
    assert {int(roads[value]) for value in (*range(7), 9, 10, 14, 15, 16, 18, 29, 30, 255)} == {VOID}
    assert sorted(set(roads[:34].tolist())) == [*range(19), VOID]
    assert [int(mask_files.CODES["object_ids"][value]) for value in (0, 1, 2, 17, 255)] == [0, 1, 1, 1, 1]


def test_a_mask_is_asked_for_frames_that_it_has(videos):
    with pytest.raises(IndexError, match="of 9 masks"):
        videos.masks(videos.test[0], [9])
