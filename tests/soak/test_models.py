"""Every model of the table at every length and size that CI only builds: forward and backward on real numbers."""

import pytest
import torch

from helpers.stock import PYTORCHVIDEO, TORCHVISION, shake, stock
from vidsparse.models.zoo import MODELS, create_model

LENGTHS = {
    "classification": [(16, 56), (1, 112), (8, 112), (16, 112), (1, 224), (8, 224), (16, 224)],
    "segmentation": [(4, 56), (1, 112), (1, 224)],
}
ASKED = [(name, *length) for name, row in MODELS.items() for length in LENGTHS[row.task]]


@pytest.mark.parametrize(("name", "frames", "size"), ASKED)
def test_it_runs_forward_and_backward(name, frames, size):
    torch.manual_seed(0)
    model = create_model(name, 5, frames, size).train()
    outputs = model(torch.randn(2, 3, frames, size, size))
    loss = sum(logits.logsumexp(1).mean() for logits in (outputs if isinstance(outputs, tuple) else (outputs,)))
    loss.backward()
    assert loss.isfinite()
    gradients = {key: weight.grad for key, weight in model.named_parameters()}
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients.values()), [
        key for key, gradient in gradients.items() if gradient is None
    ]


@pytest.mark.parametrize("name", [name for name in (*TORCHVISION, *PYTORCHVIDEO) if name != "slowfast_r50"])
def test_at_native_size_the_stock_network_gives_the_same(name):
    spec = MODELS[name]
    theirs = shake(stock(name)).eval()
    ours = create_model(name, 5, spec.frames, spec.size).eval()
    ours.load_state_dict(theirs.state_dict())
    clip = torch.randn(1, 3, spec.frames, spec.size, spec.size)
    with torch.no_grad():
        output = ours(clip).softmax(1) if name.startswith(("x3d", "r2plus1d_r50")) else ours(clip)
        torch.testing.assert_close(output, theirs(clip), rtol=1e-4, atol=1e-6)
