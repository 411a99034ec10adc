"""Corruptions on tensors of any device, batched over clips, from the same keys as `corruptions.corrupt`.

>>> import torch, corruptions.torch
>>> clips = torch.zeros(2, 8, 3, 32, 32)
>>> corruptions.torch.corrupt(clips, "gaussian_noise", 3, ["0/a", "0/b"]).dtype
torch.float32

A door of its own: `import corruptions` goes on without torch.
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ModuleNotFoundError(
        'corruptions.torch needs torch, which is not here: pip install "vidsparse-corruptions[torch]"', name="torch"
    )

from corruptions.torch.tensor_corrupt import corrupt, names

__all__ = ["corrupt", "names"]
