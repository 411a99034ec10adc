"""Measures of segmentation, all of them from confusion matrices, so that they pool over clips and can be bootstrapped.

A confusion matrix is int64 (K, K): row i, column j counts the pixels of class i that were taken for class j. Pixels
whose truth is `ignore` count nowhere. Matrices of many clips are added, not averaged: that is how Pascal VOC and
Cityscapes judge a whole set ("The Pascal Visual Object Classes Challenge: A Retrospective", IJCV 2015; "The Cityscapes
Dataset for Semantic Urban Scene Understanding", CVPR 2016).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.tasks import VOID

Labels = NDArray[np.uint8]
Confusion = NDArray[np.int64]


def confusion(truth: Labels, prediction: Labels, classes: int, ignore: int = VOID) -> Confusion:
    """Count pixels by true and predicted class: int64 (classes, classes), truth first; both of any one shape.

    ValueError for a class id of 0 .. classes - 1 that is none, but for `ignore` in the truth.

    >>> confusion(np.uint8([[0, 1], [1, 255]]), np.uint8([[0, 0], [1, 1]]), 2)
    array([[1, 0],
           [1, 1]])
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"a truth of shape {truth.shape} and a prediction of shape {prediction.shape}")
    judged = truth != ignore
    true, predicted = truth[judged].astype(np.int64), prediction[judged].astype(np.int64)
    highest = max(true.max(initial=0), predicted.max(initial=0))
    if highest >= classes:
        raise ValueError(f"class id {highest} of {classes} classes")
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def iou(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Intersection over union of each class, float64 (..., K): TP / (TP + FP + FN) of confusions (..., K, K).

    NaN for a class that is neither in the truth nor in the prediction.
    """
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    return _share(hit, counts.sum(axis=-1) + counts.sum(axis=-2) - hit)


def mean_iou(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Mean intersection over union, float64 (...): over the classes for which it is defined; NaN where none is."""
    each = iou(counts)
    return _share(np.nansum(each, axis=-1), (~np.isnan(each)).sum(axis=-1))


def pixel_accuracy(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Share of the judged pixels that have their class, float64 (...); NaN where none is judged."""
    return _share(np.diagonal(counts, axis1=-2, axis2=-1).sum(axis=-1), counts.sum(axis=(-2, -1)))


def temporal_consistency(prediction: Labels, truth: Labels, ignore: int = VOID) -> float:
    """Share of the pixels that keep their true class from a frame to the next which keep their predicted class too.

    Both uint8 (T, H, W). Right or wrong does not matter, only whether the prediction flickers where nothing changes.
    NaN where no pixel keeps its class: a single frame, or nothing judged.

    >>> prediction = np.uint8([[[1, 1]], [[1, 0]]])
    >>> temporal_consistency(prediction, np.uint8([[[0, 0]], [[0, 0]]]))
    0.5
    """
    stays = (truth[1:] == truth[:-1]) & (truth[1:] != ignore)
    return float(_share(((prediction[1:] == prediction[:-1]) & stays).sum(), stays.sum()))


def _share(part: Any, whole: Any) -> NDArray[np.float64]:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    nothing = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 0))
