"""A network with every kind of prunable weight, and a loop that trains it: what the sparsity tests share."""

import torch
from torch import nn
from torch.nn import functional as F

from vidsparse.sparsity import METHODS
from vidsparse.sparsity.topology import sparsify

SPARSE = [name for name, row in METHODS.items() if row.sparse]
DYNAMIC = [name for name, row in METHODS.items() if row.dynamic]
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.9, centered=True),
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
        F.cross_entropy(model(x), y).backward()
        opt.step()
        check()
