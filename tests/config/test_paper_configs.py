"""The paper's own settings as they are shipped, at their full size: 8 frames at 224 pixels, 101 classes.

On the meta device, where nothing is computed; `make soak` makes their steps, tests/test_experiment.py small ones.
"""

from pathlib import Path

import pytest
import torch

from vidsparse import load_config
from vidsparse.data.clips import load_clips
from vidsparse.models.zoo import create_model
from vidsparse.sparsity import METHODS, allocate
from vidsparse.sparsity.masks import prunable

FOLDER = Path(__file__).resolve().parents[2] / "configs"
CONFIGS = sorted(path.stem for path in FOLDER.glob("ucf101_paper_*.yaml") if "inception" not in path.stem)


def test_both_networks_have_the_three_methods_and_their_control():
    methods = ("", "_granet_g", "_mest_g", "_rigl")
    expected = sorted(f"ucf101_paper_{net}{method}" for net in ("resnet50", "i3d") for method in methods)
    assert expected == CONFIGS


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_the_papers_settings_build_at_their_full_size(name, ucf101_root, tmp_path):
    config = load_config(name, [f"data.root={ucf101_root}"])
    data, recipe, sparse = config.data, config.training, config.sparse
    assert (data.frames, data.size, data.sampling, recipe.epochs) == (8, 224, "uniform", 100)
    assert (config.evaluation.suite, config.evaluation.severities) == ("ucf101_p_16", [1, 2, 3, 4])
    assert sparse.sparsity == (0.1 if METHODS[sparse.method].sparse else 0)
    classes = len(load_clips(data, 0, tmp_path).dataset.classes)
    with torch.device("meta"):
        model = create_model(config.model.name, classes, data.frames, data.size)
        logits = model(torch.empty(recipe.batch_size, 3, data.frames, data.size, data.size))
        logits.sum().backward()
    assert logits.shape == (16, 101)
    weights = {key: tuple(value.shape) for key, value in prunable(model).items()}
    assert all(weight.grad is not None for weight in model.parameters())
    total = sum(torch.Size(shape).numel() for shape in weights.values())
    assert total > 10e6
    assert sum(allocate(weights, 1 - sparse.sparsity, sparse.distribution).values()) == round(
        (1 - sparse.sparsity) * total
    )
