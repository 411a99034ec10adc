"""Accuracy by frequency: test clips under attenuation filters, in space and time, and under single Fourier waves.

A condition is what is done to the clips; the rows of a condition are predictions, so that every curve, interval and
paired difference can be computed from the table alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

from vidsparse.analysis import filters
from vidsparse.config import AnalysisConfig, DataConfig
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.loader import to_input
from vidsparse.evaluation import predictions

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Condition:
    """`axis` "space" or "time" with `side` "low" or "high" removed at `radius`; "wave" with v and u periods a side."""

    axis: str
    side: str = ""
    radius: int = 0
    v: int = 0
    u: int = 0

    def apply(self, clips: Tensor, places: range) -> Tensor:
        """Clips float (B, T, S, S, 3) in [0, 1], those at `places` of all, under this condition; not clipped."""
        if self.axis == "wave":
            signs = filters.wave_signs(places.stop, self.v, self.u)[places.start :]
            return filters.add_wave(clips, self.v, self.u, signs)
        filtered = filters.attenuate if self.axis == "space" else filters.attenuate_time
        return filtered(clips, self.side, self.radius) if self.radius else clips


@dataclass(frozen=True)
class Shown:
    """The test clips that are looked at, and how they are seen: uint8 (N, T, S, S, 3)."""

    samples: Sequence[Sample]
    clips: Tensor


def attenuations(config: AnalysisConfig, data: DataConfig) -> list[Condition]:
    """The clips as they are, then each side at each radius: in space, and in time where a clip has frames."""
    size, frames = data.size, data.frames
    space = config.radii or sorted({max(1, round(size * eighth / 8)) for eighth in range(1, 8)})
    time = sorted({max(2, 2 * round(frames * quarter / 8)) for quarter in (1, 2, 3)}) if frames > 1 else []
    time += [frames] if frames > 1 and frames not in time else []
    return [
        Condition("space", "none"),
        *(Condition("space", side, radius) for side in ("low", "high") for radius in space),
        *(
            Condition("time", side, radius)
            for side in ("low", "high")
            for radius in time
            if side == "high" or radius < frames
        ),
    ]


def waves(config: AnalysisConfig, data: DataConfig) -> list[Condition]:
    """One condition a frequency of the Fourier heat map, half of the plane: the other half is its mirror image."""
    return [Condition("wave", v=v, u=u) for v, u in filters.frequencies(data.size, config.fourier)]


@torch.inference_mode()
def predict(
    conditions: Sequence[Condition],
    shown: Shown,
    forward: Forward,
    normalize: str,
    batch: int,
    device: torch.device,
) -> pd.DataFrame:
    """Predictions of clips under each condition, one row a (condition, clip); `batch` clips go through at a time.

    Columns: axis, side, radius, v, u, id, group, label, prediction, confidence. A wave's signs depend on the place of a
    clip among all, not on its batch.
    """
    clips, samples, parts = shown.clips, shown.samples, []
    for condition in conditions:
        probabilities = []
        for start in range(0, len(clips), batch):
            part = clips[start : start + batch].to(device).float() / 255
            changed = condition.apply(part, range(start, start + len(part)))
            probabilities.append(forward(to_input(255 * changed, normalize)).float().softmax(-1).cpu())
        top = torch.cat(probabilities).max(-1)
        said = torch.where(top.values.isfinite(), top.indices, predictions.UNDECIDABLE)
        parts.append(
            pd.DataFrame(
                {
                    "axis": condition.axis,
                    "side": condition.side,
                    "radius": condition.radius,
                    "v": condition.v,
                    "u": condition.u,
                    "id": [sample.id for sample in samples],
                    "group": [sample.group for sample in samples],
                    "label": [sample.label for sample in samples],
                    "prediction": said.numpy(),
                    "confidence": top.values.numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def flops(model: nn.Module, inputs: Tensor) -> int:
    """FLOPs (2 x MAC) of one forward pass on `inputs`, by torch's counter; fused attention on a CPU goes uncounted."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(inputs)
    return int(counter.get_total_flops())
