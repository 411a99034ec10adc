"""What masks cost on a clock, as it was measured; data alone."""

# What `make bench` printed: processor time on one thread, medians of paired rounds; step and update as shares.
SPEED_WHERE = (
    "timm's resnet18, sparsity 0.9, 64 px, batch 4, SGD with momentum; two shared cores of an AMD EPYC, torch 2.13, "
    "one thread, processor time, medians of interleaved rounds, 22 November 2026 "
    "(`python -m pytest tests/speed/test_sparsity.py -s`). A step is compared with a dense one "
    "of the same round, an update with two full sorts of all weights (by torch, 1.3 s)."
)
SPEED = (
    ("static", "1.04", ""),
    ("rigl", "1.04", "0.059"),
    ("set", "", "0.064"),
    ("mest", "", "0.076"),
    ("granet_g, while it prunes", "", "0.073"),
    ("srigl", "", "0.089"),
    ("snfs", "1.17", "0.057"),
    ("rigl-torch 0.5.2", "1.39", "1,988 ms where `rigl` took 65 ms"),
    ("sparsimony 0.1.0", "1.40", "289 ms where `rigl` took 70 ms"),
)
SPEED_WHY = (
    "A masked step reads gradient and mask and writes the gradient, 12 bytes a weight. `snfs` also keeps the dense "
    "gradient (8 bytes) and moves its average (12), at every step: the method asks for the gradient of absent weights, "
    "so with masks that are simulated it cannot be as cheap as the others. Where activations outweigh weights, little "
    "of this is left: on r3d_18, 8 × 112 px, batch 2, a step of `static` is 1.01 of a dense one, of `rigl` 1.02."
)
