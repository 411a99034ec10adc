"""Every model of the table at every length and size that CI only builds: forward and backward on real numbers."""

import pytest
import torch

from vidsparse.models.zoo import MODELS, create_model


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("frames", "size"), [(16, 56), (1, 112), (8, 112), (16, 112), (1, 224), (8, 224), (16, 224)])
def test_it_runs_forward_and_backward(name, frames, size):
    torch.manual_seed(0)
    model = create_model(name, 5, frames, size).train()
    loss = model(torch.randn(2, 3, frames, size, size)).logsumexp(1).mean()
    loss.backward()
    assert loss.isfinite()
    gradients = {key: weight.grad for key, weight in model.named_parameters()}
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients.values()), [
        key for key, gradient in gradients.items() if gradient is None
    ]
