"""Video transformers of the package transformers (extra `hf`), built from their configs, never downloaded here."""

from typing import Any

from torch import Tensor, nn

from vidsparse.models.adapt import Stock, adapted, even_frames

_SMALL = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}  # DeiT's small width
_CLASSES = {
    "timesformer": ("TimesformerConfig", "TimesformerForVideoClassification"),
    "videomae": ("VideoMAEConfig", "VideoMAEForVideoClassification"),
    "vivit": ("VivitConfig", "VivitForVideoClassification"),
}


def build(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """The network in its published base width, or the small one (`_s`); patches of 16 pixels, of 8 where 16 do not fit.

    VideoMAE and ViViT take frames in pairs (tubelets of 2): an odd clip ends with its last frame twice.
    """
    import transformers

    family, _, small = name.partition("_")
    settings: dict[str, Any] = {"num_labels": num_classes, "image_size": size, **(_SMALL if small else {})}
    patch = 16 if size % 16 == 0 else 8
    pairs = family != "timesformer"
    settings["num_frames"] = frames + frames % 2 if pairs else frames
    settings |= {"tubelet_size": [2, patch, patch]} if family == "vivit" else {"patch_size": patch}
    config, network = (getattr(transformers, attribute) for attribute in _CLASSES[family])
    model: nn.Module = adapted(network(config(**settings)), _pixels)
    return adapted(model, even_frames) if pairs else model


def _pixels(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """The package's order of axes, (B, T, 3, H, W), and its answer's logits (B, classes)."""
    logits: Tensor = stock(clips.transpose(1, 2)).logits
    return logits
