"""Corruptions in a pipeline of albumentations: images, clips, masks, boxes, keys and workers."""

import pickle

import albumentations as A
import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from corruptions import Corrupt, ForAlbumentations, KeyCounter, RandomCorrupt, corrupt, corrupt_labels
from corruptions.exceptions import CorruptionError

CLIP = np.random.default_rng(0).integers(0, 256, (4, 40, 60, 3), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 9, (4, 5, 6), np.uint8).repeat(8, 1).repeat(10, 2)
FOG = ForAlbumentations(Corrupt("fog", 3))
SHIFT = ForAlbumentations(Corrupt("translate", 4))


def test_an_image_and_a_clip_get_the_bytes_of_corrupt():
    assert (A.Compose([FOG])(image=CLIP[0], key="k")["image"] == corrupt(CLIP[:1], "fog", 3, "k")[0]).all()
    assert (A.Compose([FOG], strict=True)(images=CLIP, key="k")["images"] == corrupt(CLIP, "fog", 3, "k")).all()
    listed = A.Compose([FOG])(images=list(CLIP), key="k")["images"]
    assert (np.stack(listed) == corrupt(CLIP, "fog", 3, "k")).all()
    floats = FOG(image=(CLIP[0] / 255).astype(np.float32), key="k")["image"]
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats * 255, corrupt(CLIP[:1], "fog", 3, "k")[0], atol=0.001)


def test_masks_and_boxes_move_with_the_picture_and_fields_go_with_their_boxes():
    pipeline = A.Compose([SHIFT], bbox_params=A.BboxParams("pascal_voc", label_fields=["names"]))
    made = pipeline(image=CLIP[0], mask=LABELS[0], key="k", names=["a", "b"],
                    bboxes=np.array([[20, 10, 40, 30], [0, 0, 1, 1]], np.float32))  # fmt: skip
    assert (made["mask"] == corrupt_labels(LABELS[:1], "translate", 4, "k")[0]).all()
    mask = np.zeros((1, 40, 60), np.uint8)
    mask[0, 10:30, 20:40] = 1
    rows, columns = np.nonzero(corrupt_labels(mask, "translate", 4, "k", fill=0)[0])
    assert made["names"] == ["a"]
    np.testing.assert_allclose(
        made["bboxes"], [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], atol=1e-3
    )


def test_masks_of_a_clip_move_frame_by_frame():
    made = A.Compose([SHIFT])(images=CLIP, masks=LABELS, key="k")["masks"]
    assert (made == corrupt_labels(LABELS, "translate", 4, "k")).all()


def test_labels_stay_where_the_picture_stays():
    points = A.Compose([FOG], keypoint_params=A.KeypointParams("xy"))
    made = points(image=CLIP[0], mask=LABELS[0], keypoints=[(3.0, 4.0)], key="k")
    assert (made["mask"] == LABELS[0]).all()
    assert np.allclose(made["keypoints"], [(3, 4)])


@pytest.mark.parametrize(
    ("sample", "hint"),
    [
        ({"image": CLIP[0], "keypoints": np.array([[3.0, 4.0, 0, 0, 0]])}, "keypoints"),
        ({"images": CLIP, "bboxes": np.array([[0.1, 0.1, 0.5, 0.5]])}, "boxes"),
        ({"image": CLIP[0], "images": CLIP}, "not both"),
        ({"image": CLIP[0, :, :, 0]}, "HWC"),
        ({"image": CLIP[0], "masks": LABELS[:1]}, "fill="),
    ],
)
def test_what_cannot_be_moved_or_read_is_refused(sample, hint):
    with pytest.raises(CorruptionError, match=hint):
        SHIFT(**sample, key="k")


def test_a_sample_without_a_key_needs_a_source_of_keys():
    with pytest.raises(CorruptionError, match="KeyCounter"):
        FOG(image=CLIP[0])
    counted = A.Compose([ForAlbumentations(Corrupt("fog", 3, key=KeyCounter("0")))])
    first, second = (counted(image=CLIP[0])["image"] for _ in range(2))
    assert (second == corrupt(CLIP[:1], "fog", 3, "0/1")[0]).all()
    assert (first != second).any()


def test_a_random_choice_and_a_probability_are_carried_out():
    chosen = RandomCorrupt("core_10", (2,))
    what = chosen.condition("k")
    made = ForAlbumentations(chosen)(image=CLIP[0], key="k")["image"]
    assert (made == corrupt(CLIP[:1], what.name, 2, "k", profile=what.profile, resolution=what.resolution)[0]).all()
    assert (ForAlbumentations(Corrupt("fog", 3), p=0.0)(image=CLIP[0], key="k")["image"] == CLIP[0]).all()
    with pytest.raises(CorruptionError, match="Corrupt"):
        ForAlbumentations("fog")


class Images(Dataset):
    """The same image eight times, in a seeded pipeline."""

    def __init__(self) -> None:
        self.pipeline = A.Compose([ForAlbumentations(Corrupt("gaussian_noise", 3, key=KeyCounter("0")))], seed=3)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> bytes:
        return self.pipeline(image=CLIP[0])["image"].tobytes()


def test_workers_draw_differently_though_albumentations_itself_does_not():
    assert len(set(DataLoader(Images(), batch_size=None, num_workers=2))) == 8


def test_a_pipeline_is_pickled_whole():
    pipeline = pickle.loads(pickle.dumps(A.Compose([FOG, A.HorizontalFlip(p=1)])))
    made = pipeline(image=CLIP[0], key="k")["image"]
    assert (made == corrupt(CLIP[:1], "fog", 3, "k")[0][:, ::-1]).all()
    assert "fog" in repr(FOG)
