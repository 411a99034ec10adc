"""Masks and boxes of torchvision beside a picture: moved where it moves, left where it stays, refused where unclear."""

import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from corruptions import REGISTRY, Corrupt, RandomCorrupt, corrupt, corrupt_labels, frame_order, names
from corruptions.exceptions import CorruptionError

CLIP = np.random.default_rng(0).integers(0, 256, (4, 48, 300, 3), np.uint8)  # more than 256 columns
IMAGE = tv_tensors.Image(torch.from_numpy(CLIP[0]).permute(2, 0, 1))
VIDEO = tv_tensors.Video(torch.from_numpy(CLIP).permute(0, 3, 1, 2))
LABELS = np.random.default_rng(1).integers(0, 9, (4, 6, 10), np.uint8).repeat(8, 1).repeat(30, 2)
MOVING = [name for name in names() if REGISTRY[name].moves == "picture"]
ORDER = [name for name in names() if REGISTRY[name].moves == "order"]


def boxes(*corners: tuple[float, ...], form: str = "XYXY") -> tv_tensors.BoundingBoxes:
    return tv_tensors.BoundingBoxes(torch.tensor(corners), format=form, canvas_size=(48, 300))


@pytest.mark.parametrize("name", MOVING + ORDER)
def test_masks_of_a_video_are_those_of_corrupt_labels(name):
    video, mask = Corrupt(name, 4)(VIDEO, tv_tensors.Mask(torch.from_numpy(LABELS)), key="k")
    assert type(video) is tv_tensors.Video
    assert type(mask) is tv_tensors.Mask
    assert (video.permute(0, 2, 3, 1).numpy() == corrupt(CLIP, name, 4, "k")).all()
    assert (mask.numpy() == corrupt_labels(LABELS, name, 4, "k")).all()


@pytest.mark.parametrize("name", MOVING)
def test_the_mask_of_an_image_moves_with_it_and_wide_labels_do_too(name):
    wide = torch.from_numpy(LABELS[0].astype(np.int64) + 1000)
    image, mask = Corrupt(name, 4, fill=-1)(IMAGE, tv_tensors.Mask(wide), key="k")
    assert type(image) is tv_tensors.Image
    want = corrupt_labels(LABELS[:1], name, 4, "k")[0].astype(np.int64)
    assert (mask.numpy() == np.where(want == 255, -1, want + 1000)).all()
    assert mask.dtype == torch.int64


def test_what_comes_from_outside_has_the_label_of_the_form():
    turn = Corrupt("static_rotate", 5)
    corner = (0, 0)
    labels = tv_tensors.Mask(torch.ones(48, 300, dtype=torch.uint8))
    objects = tv_tensors.Mask(torch.ones(2, 48, 300, dtype=torch.uint8))
    flags = tv_tensors.Mask(torch.ones(1, 48, 300, dtype=torch.bool))
    assert turn(IMAGE, labels)[1][corner] == 255
    assert turn(IMAGE, objects)[1][(0, *corner)] == 0
    assert not turn(IMAGE, flags)[1][(0, *corner)]
    assert Corrupt("static_rotate", 5, fill=7)(IMAGE, labels)[1][corner] == 7
    one = tv_tensors.Mask(torch.ones(1, 48, 300, dtype=torch.uint8))
    with pytest.raises(CorruptionError, match="fill="):
        turn(IMAGE, one)
    assert Corrupt("static_rotate", 5, fill=0)(IMAGE, one)[1][(0, *corner)] == 0
    assert Corrupt("fog", 5)(IMAGE, one, key="k")[1] is one
    with pytest.raises(CorruptionError, match="255"):
        turn(IMAGE, tv_tensors.Mask(torch.ones(48, 300, dtype=torch.int8)))


def test_masks_of_objects_of_a_video_move_too():
    objects = torch.from_numpy(np.stack([LABELS == 1, LABELS == 2], 1))
    made = Corrupt("translate", 4)(VIDEO, tv_tensors.Mask(objects), key="k")[1].numpy()
    moved = corrupt_labels(LABELS, "translate", 4, "k")
    assert (made[:, 0] == (moved == 1)).all()
    assert (made[:, 1] == (moved == 2)).all()


@pytest.mark.parametrize("name", MOVING)
def test_a_box_is_the_one_around_the_moved_mask_of_its_object(name):
    corners = [(115.0, 5.0, 160.0, 40.0), (150.0, 10.0, 200.0, 47.0)]
    _, moved = Corrupt(name, 3)(IMAGE, boxes(*corners), key="k")
    for (left, top, right, bottom), box in zip(corners, moved.tolist(), strict=True):
        mask = np.zeros((1, 48, 300), np.uint8)
        mask[0, int(top) : int(bottom), int(left) : int(right)] = 1
        rows, columns = np.nonzero(corrupt_labels(mask, name, 3, "k", fill=0)[0])
        assert box == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_boxes_of_other_formats_are_the_same_boxes():
    shift = Corrupt("translate", 4)
    corner, side, centre = (
        shift(IMAGE, boxes(values, form=form), key="k")[1]
        for form, values in {
            "XYXY": (100.0, 10.0, 140.0, 30.0),
            "XYWH": (100.0, 10.0, 40.0, 20.0),
            "CXCYWH": (120.0, 20.0, 40.0, 20.0),
        }.items()
    )
    as_corners = v2.ConvertBoundingBoxFormat("XYXY")
    assert as_corners(side).tolist() == as_corners(centre).tolist() == corner.tolist()
    assert corner.tolist() != [[100, 10, 140, 30]]


def test_a_box_of_nothing_is_empty_and_torchvision_takes_it_away_with_its_label():
    small = boxes((0.0, 0.0, 2.0, 2.0), (100.0, 10.0, 140.0, 30.0))
    sample = Corrupt("static_rotate", 5)({"image": IMAGE, "boxes": small, "labels": torch.tensor([1, 2])})
    assert sample["boxes"][0].tolist() == [0, 0, 0, 0]
    kept = v2.SanitizeBoundingBoxes()(sample)
    assert kept["labels"].tolist() == [2]


@pytest.mark.parametrize("name", ["fog", "h264_crf", "clip_motion_blur", "zoom_blur"])
def test_labels_stay_where_the_picture_stays(name):
    mask, box = tv_tensors.Mask(torch.from_numpy(LABELS)), boxes((1.0, 2.0, 30.0, 40.0))
    plain = LABELS.copy()
    made = Corrupt(name, 3)({"video": VIDEO, "mask": mask, "box": box, "plain": plain}, key="k")
    assert made["mask"] is mask
    assert made["box"] is box
    assert made["plain"] is plain


@pytest.mark.parametrize(
    ("sample", "hint"),
    [
        ((VIDEO, boxes((1.0, 2.0, 30.0, 40.0))), "masks"),
        ((VIDEO, torch.from_numpy(LABELS)), "tv_tensors.Mask"),
        ((VIDEO, LABELS), "tv_tensors.Mask"),
        ((VIDEO, LABELS[..., None]), "tv_tensors.Mask"),
        ((IMAGE, tv_tensors.KeyPoints(torch.tensor([[1.0, 2.0]]), canvas_size=(48, 300))), "KeyPoints"),
        ((IMAGE, boxes((1.0, 2.0, 30.0, 40.0, 0.5), form="XYWHR")), "XYWHR"),
        ((VIDEO, tv_tensors.Mask(torch.from_numpy(LABELS[:3]))), "mask of shape"),
        ((VIDEO, tv_tensors.Mask(torch.zeros(4, 20, 20))), "beside"),
        ((VIDEO[None], tv_tensors.Mask(torch.from_numpy(LABELS[None]))), "mask|batch|key"),
    ],
)
@pytest.mark.parametrize("name", ["rotate"])
def test_labels_that_would_stay_behind_are_refused(name, sample, hint):
    with pytest.raises(CorruptionError, match=hint):
        Corrupt(name, 3)(sample, key="k")


def test_an_image_has_no_order_to_lose():
    box = boxes((1.0, 2.0, 30.0, 40.0))
    assert Corrupt("jumble", 3)(IMAGE, box, key="k")[1] is box


def test_a_pipeline_of_torchvision_takes_both_and_keeps_pictures_and_labels_together():
    pipeline = v2.Compose(
        [
            v2.RandomHorizontalFlip(1.0),
            Corrupt("translate", 4, key=lambda sample: "k"),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    video, target = pipeline(VIDEO, {"masks": tv_tensors.Mask(torch.from_numpy(LABELS)), "name": "x"})
    flipped = np.ascontiguousarray(CLIP[:, :, ::-1])
    want = corrupt(flipped, "translate", 4, "k").transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(video.numpy(), want, atol=1e-6)
    labels = corrupt_labels(np.ascontiguousarray(LABELS[:, :, ::-1]), "translate", 4, "k")
    assert (target["masks"].numpy() == labels).all()
    assert target["name"] == "x"


def test_frames_that_change_places_take_their_masks_along():
    made = RandomCorrupt(["jumble"], (3,))(VIDEO, tv_tensors.Mask(torch.from_numpy(LABELS)), key="k")[1]
    assert (made.numpy() == LABELS[frame_order("jumble", 3, 4, "k")]).all()
