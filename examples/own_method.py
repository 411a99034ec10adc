"""A sparse method with a grow score of its own, in a study of two processes. Run: python examples/own_method.py

This file is the plug-in: each process of the study imports it.
"""

import vidsparse
from vidsparse.cli import main
from vidsparse.sparsity import Method
from vidsparse.sparsity.scores import Candidates, Score
from vidsparse.sparsity.settings import Own, described


def gradient_of_quiet_neurons(layer: Candidates):
    """|dense gradient|, times what a neuron lacks in weights to the power of `quiet`."""
    filled = layer.active.flatten(1).float().mean(1).clamp_min(1e-3)
    gain = filled ** -layer.settings["quiet"]
    return layer.dense_gradient.abs() * gain.view(-1, *[1] * (layer.weight.dim() - 1))


vidsparse.register(
    Method(
        "quiet_rigl",
        "RigL for quiet neurons",
        source="this example",
        drop="magnitude",
        grow=Score("gradient of quiet neurons", gradient_of_quiet_neurons, dense_gradient=True),
        decay="cosine",
        drop_fraction=0.3,
        every=4,
        stop=0.75,
        grow_window=1,
        own=(Own("quiet", 0.5, described(0.5, "the exponent of a neuron's density", at_least=0, at_most=2)),),
    )
)

if __name__ == "__main__":
    study = ["study.methods=[quiet_rigl]", "study.sparsities=[0.5]", "study.jobs=2", "sparse.every=2"]
    small = ["model.name=cifar_resnet20", "data.frames=2", "data.short_side=40", "data.size=32", "data.share=0.3",
             "training.epochs=2", "evaluation.corruptions=[freeze]", "analysis.spectral=false"]  # fmt: skip
    raise SystemExit(main(["run", "ucf101_dense", f"plugins={__file__}", "name=own_method", *study, *small]))
