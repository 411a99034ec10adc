"""What was measured of growth and of AdamW: real data and a clock; data alone."""

from typing import Final

OVERLAP_TEXT: Final = (
    "Growth by gradient takes the weights that a gradient says matter most, and a gradient of few samples says little. "
    "How much of what it grows is what the gradient of 4,096 other samples (32 batches of 128) would grow at the same "
    "weights: CIFAR-10, cifar_resnet20 at sparsity 0.5 (ERK) after 100 steps of 16, RigL's rule with a drop fraction "
    "of 0.3, 34,397 weights grown in 11 layers; 29 November 2026 (`python -m pytest tests/soak/test_growth.py -s`, "
    "4 draws each, one of the large ones)."
)
OVERLAP_HEAD: Final = ("samples", "overlap", "least to most")
OVERLAP: Final = (
    ("16: the last batch alone, `grow_window=1`", "0.57", "0.49 to 0.66"),
    ("128: one batch", "0.68", "0.64 to 0.71"),
    ("256: 16 batches of 16", "0.75", "0.71 to 0.79"),
    ("4,096: 256 batches of 16, `grow_window: auto`", "0.81", ""),
    ("4,096: 32 batches of 128", "0.92", ""),
    ("none: drawn at random", "0.28", ""),
)
OVERLAP_MEANS: Final = (
    "So a run at batch 16 that sees the last batch alone grows 57 % of what the larger gradient would, where chance "
    "gives 28 %; `grow_window: auto` (about 4,096 samples, at most an epoch and at most the steps between updates) "
    "grows 81 %. Batches of 128 agree better with batches of 128: a batch norm that sees 16 samples is another "
    "network. On UCF101 the window helps less: r3d_18 at 0.5 on real clips of three classes (30 November 2026, by "
    "the same test) grows 81 % from one batch of 16 (79 to 82), 81 % from 16 such batches, 82 % from 256, 87 % from "
    "one batch of 128 (84 to 88) and 94 % from 32 of those, where chance gives 25 %: 163 clips hold little more than "
    "one batch says."
)
EXPLORED_TEXT: Final = (
    "Of growth by gradient, how much is gone was measured in short trainings of slow_r50 on real clips of three "
    "classes of UCF101, with the settings above but 8 updates, 4 steps apart, which see 32 samples each (2 frames, "
    "32 px, batch 8, SGD; 30 November 2026, `python -m pytest tests/soak/test_exploration.py -s`). In the paper's "
    "setting 1,192 steps lie between updates, in which grown weights can become large: a run says its own net change "
    "and exploration. SET grows at random and stands beside them. Where growth takes back most of what was dropped, as "
    "in MEST_g (24 %) and GraNet_g (30 %) at 0.1, topology moves far less than the count of dropped weights says. The "
    "other methods by gradient were not measured."
)
EXPLORED_HEAD: Final = ("method", "sparsity", "gone, of what was dropped", "explored, of the masked layers")
EXPLORED: Final = (
    ("rigl", "0.5", "0.674", "0.605"),
    ("rigl", "0.1", "0.387", "0.671"),
    ("mest_g", "0.5", "0.800", "0.614"),
    ("mest_g", "0.1", "0.242", "0.994"),
    ("granet_g", "0.5", "0.724", "1.000"),
    ("granet_g", "0.1", "0.301", "1.000"),
    ("set", "0.5", "0.688", "0.619"),
    ("set", "0.1", "0.852", "0.806"),
)
ADAMW_TEXT: Final = (
    "AdamW takes a root of every weight, absent ones too. Where it is as good, a run uses its fused form, whose "
    "results differ by rounding. timm's vit_tiny, sparsity 0.9, 64 px, batch 4, medians of interleaved steps over "
    "the dense step without it, 29 November 2026, on two cores that others used too "
    "(`python -m pytest tests/speed/test_sparsity.py -s -k adamw`); the optimizer alone is 3.5 times faster."
)
ADAMW_HEAD: Final = ("method", "a step", "fused")
ADAMW: Final = (("dense", "1.000", "0.804"), ("static", "1.215", "0.848"), ("rigl", "1.246", "0.872"))
