"""Every model of the table is counted in full, each weight with its share."""

import pytest
import torch

import vidsparse
from vidsparse.models.zoo import MODELS
from vidsparse.sparsity import count_flops
from vidsparse.sparsity.masks import prunable


@pytest.mark.parametrize("name", MODELS)
def test_every_weight_of_every_model_has_its_share(name):
    spec = MODELS[name]
    with torch.device("meta"):
        model = vidsparse.create_model(name, 101, spec.frames, spec.size)
    flops = count_flops(model, (1, 3, spec.frames, spec.size, spec.size))
    assert set(flops.weights) == set(prunable(model))
    assert min(flops.weights.values()) > 0
