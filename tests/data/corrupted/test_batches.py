"""Decode once, corrupt many: the same bytes as corrupting each clip on its own."""

import numpy as np
import pytest
import torch

import corruptions
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import CLEAN, Cell, evaluation_cells
from vidsparse.data.corrupted.corruptor import Corruptor
from vidsparse.data.crops import center_crop
from vidsparse.data.loader import make_loader, split_units
from vidsparse.data.sampling import view_indices

CELLS = (
    Cell(CLEAN, "", 0),
    Cell("gaussian_noise", "imagenet_c", 3),
    Cell("motion_blur", "imagenet_c", 2),
    Cell("freeze", "ucf101_p", 4),
)


@pytest.fixture(scope="module")
def clips(tiny_root, tmp_path_factory):
    config = DataConfig(source="folder", root=str(tiny_root), frames=4, stride=2, short_side=40, size=32)
    return load_clips(config, 0, tmp_path_factory.mktemp("index"))


def batches(clips, config, workers=0):
    units = list(enumerate(split_units(len(clips.test), 4)))
    loader = make_loader(CorruptedUnits(clips, config, CELLS, units), workers, batch_size=None)
    return {(batch.unit, batch.cell): batch.clips for batch in loader}


def test_cells_are_clean_then_suite_times_severities():
    cells = evaluation_cells(EvaluationConfig())
    assert cells[0] == Cell(CLEAN, "", 0)
    assert len(cells) == 1 + 10 * 5
    few = evaluation_cells(EvaluationConfig(corruptions=["freeze"], severities=[2, 5]))
    assert few == (cells[0], Cell("freeze", "ucf101_p", 2), Cell("freeze", "ucf101_p", 5))


def test_batches_equal_corrupting_the_whole_video_frame_by_frame(clips):
    config = EvaluationConfig(views=2)
    made = batches(clips, config)
    for number, sample in enumerate(clips.test):
        n = clips.n_frames(sample)
        video = np.ascontiguousarray(center_crop(clips.read(sample, range(n)), 32))
        views = view_indices(n, 4, 2, "dense", "loop", 2)
        for index, cell in enumerate(CELLS):
            whole = video
            if cell.severity:
                key = f"0/folder/{sample.id}"
                whole = corruptions.corrupt(
                    video, cell.corruption, cell.severity, key, profile=cell.profile, resolution="relative", fps=25.0
                )
            got = made[number // 4, index][2 * (number % 4) : 2 * (number % 4) + 2].numpy()
            assert (got == whole[views]).all(), (sample.id, cell)


@pytest.mark.parametrize("mode", [None, "static", "drift", "independent"])
def test_corruptions_move_as_the_evaluation_asks(clips, mode):
    config = EvaluationConfig(temporal=mode)
    sample, cell = clips.test[0], Cell("gaussian_noise", "imagenet_c", 3)
    corruptor = Corruptor(clips, config, (cell,))
    outputs = np.arange(4)
    seen = corruptor.corrupt(corruptor.decode(sample, outputs), cell, outputs)
    frames = np.ascontiguousarray(center_crop(clips.read(sample, range(clips.n_frames(sample))), 32))
    want = corruptions.corrupt(
        frames, "gaussian_noise", 3, f"0/folder/{sample.id}", temporal=mode or "default", resolution="relative"
    )
    assert (seen == want[:4]).all()


@pytest.mark.slow
def test_workers_do_not_change_a_byte(clips):
    alone, shared = batches(clips, EvaluationConfig()), batches(clips, EvaluationConfig(), workers=2)
    assert alone.keys() == shared.keys()
    assert all(torch.equal(alone[key], shared[key]) for key in alone)


def test_videos_too_large_to_keep_are_decoded_for_each_cell_with_the_same_bytes(clips):
    kept, decoded_again = batches(clips, EvaluationConfig()), batches(clips, EvaluationConfig(max_clip_mb=0.01))
    assert all(torch.equal(kept[key], decoded_again[key]) for key in kept)


def test_three_crops_are_cut_from_the_corrupted_frame(clips):
    one = batches(clips, EvaluationConfig(canvas="frame"))
    three = batches(clips, EvaluationConfig(canvas="frame", crops=3))
    for key in one:
        assert torch.equal(three[key][1::3], one[key])
        assert not torch.equal(three[key][0::3], three[key][2::3])


def test_a_video_that_cannot_be_read_keeps_its_place(clips, tiny_root, tmp_path):
    import shutil

    root = tmp_path / "broken"
    shutil.copytree(tiny_root, root)
    sorted((root / "test" / "Right").iterdir())[0].write_bytes(b"")
    config = DataConfig(source="folder", root=str(root), frames=4, stride=2, short_side=40, size=32)
    broken = load_clips(config, 0, tmp_path / "index")
    batch = next(iter(CorruptedUnits(broken, EvaluationConfig(), CELLS, [(0, range(6))])))
    assert batch.ok.tolist() == [True, True, False, True, True, True]
    assert batch.clips.shape == (6, 4, 32, 32, 3)
    assert not batch.clips[2].any()
