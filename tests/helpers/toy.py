"""Networks with every kind of prunable weight, and loops that train them: what the sparsity tests share."""

import torch
from torch import nn
from torch.nn import functional as F

from vidsparse.sparsity import METHODS
from vidsparse.sparsity.topology import Topology, sparsify

SPARSE = [name for name, row in METHODS.items() if row.sparse]
DYNAMIC = [name for name, row in METHODS.items() if row.dynamic]


def timm_optimizer(name: str, **settings):
    """A factory of an optimizer of timm."""

    def make(parameters):
        from timm.optim import create_optimizer_v2

        return create_optimizer_v2(list(parameters), name, **settings)

    return make


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.9, centered=True),
    "adamw_fused": lambda p: torch.optim.AdamW(p, 0.01, fused=True),
    "adamw_foreach": lambda p: torch.optim.AdamW(p, 0.01, amsgrad=True, foreach=True),
    "lion": timm_optimizer("lion", lr=1e-3, weight_decay=0.01),
    "lamb": timm_optimizer("lamb", lr=0.01, weight_decay=0.01),
}


class Net(nn.Module):
    """A plain and a grouped Conv3d, norms, attention and a linear head: every kind of prunable weight."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU())
        self.grouped = nn.Conv3d(8, 8, 3, groups=4, padding=1)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.grouped(self.stem(x)).flatten(2).transpose(1, 2)
        return self.head(self.norm(tokens + self.attention(tokens, tokens, tokens)[0]).mean(1))


class Menagerie(nn.Module):
    """Conv2d, Conv3d, depthwise, attention, tied, frozen and unused layers, norms, an embedding, a position table."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(3, 8, (1, 3, 3), padding=(0, 1, 1))
        self.norm3d = nn.BatchNorm3d(8)
        self.depthwise = nn.Conv3d(8, 8, 3, padding=1, groups=8)
        self.conv2d = nn.Conv2d(8, 8, 3, padding=1)
        self.norm2d = nn.GroupNorm(2, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.position = nn.Parameter(torch.zeros(36, 8))
        self.kinds = nn.Embedding(4, 8)
        self.one = nn.Linear(8, 8)
        self.two = nn.Linear(8, 8)
        self.two.weight = self.one.weight
        self.frozen = nn.Linear(8, 8)
        self.frozen.requires_grad_(False)
        self.unused = nn.Linear(8, 8)
        self.head = nn.Linear(8, 4, bias=False)
        self.head.weight = self.kinds.weight
        self.last = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm2d(self.conv2d(self.depthwise(self.norm3d(self.conv3d(x))).mean(2)))
        tokens = x.flatten(2).transpose(1, 2) + self.position
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        return self.last(self.head(self.frozen(self.two(self.one(tokens).relu()))).mean(1))


def build(method: str, optimizer: str = "sgd", sparsity: float = 0.6, total: int = 20, seed: int = 0, **settings):
    torch.manual_seed(seed)
    model = Net()
    opt = OPTIMIZERS[optimizer](model.parameters())
    settings = {"every": 3, **settings} if METHODS[method].dynamic else settings
    return model, opt, sparsify(model, opt, method, sparsity, total, seed=seed, **settings)


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.randn(4, 3, 2, 6, 6, generator=generator), torch.randint(4, (4,), generator=generator)


def train(model, opt, steps: range, check=lambda: None) -> None:
    for step in steps:
        opt.zero_grad()
        x, y = batch(step)
        F.cross_entropy(model(x.to(next(model.parameters()).dtype)).float(), y).backward()
        opt.step()
        check()


def assert_exact_and_zero(model: nn.Module, opt: torch.optim.Optimizer, sparse: Topology, rest: float = 0.0) -> None:
    """Counts are those said; absent weights, gradients and states are exactly zero (states: at most `rest`)."""
    weights, counts = dict(model.named_parameters()), sparse.counts()
    for name, mask in sparse.masks.items():
        weight = weights[name]
        assert int(mask.sum()) == counts[name]
        assert not weight[~mask].any()
        assert weight.grad is None or not weight.grad[~mask].any()
        for value in opt.state[weight].values():
            if isinstance(value, torch.Tensor) and value.shape == mask.shape:
                assert (value[~mask].abs() <= rest).all()


def expected_nonzero(sparse: Topology, density: float) -> bool:
    """Whether the total is exact, or with equal neurons as near as they allow."""
    off = abs(sparse.nonzero - round(density * sparse.total))
    if not sparse.method.constant_fan_in:
        return off == 0
    return off <= sum(shape[0] for shape in sparse.shapes().values())
