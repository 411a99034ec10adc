"""What a call of `evaluate` asks, once keywords and network have been heard."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vidsparse.api.given_network import GivenNetwork, Network, place_of
from vidsparse.api.keywords import Protocol, config_of
from vidsparse.api.labelling import Labels
from vidsparse.api.native_keywords import Native, native_of, normalization, preset_of
from vidsparse.config import Config
from vidsparse.config.change import changed
from vidsparse.config.compose import ROOTS
from vidsparse.data.corrupted.layout import RECIPE
from vidsparse.models.model_rows import Normalization
from vidsparse.utils.errors import ConfigError

_AUTOCAST = {"bf16": torch.bfloat16, "16": torch.float16}


@dataclass(frozen=True)
class Asked:
    """A network, and the protocol under which it is to be asked."""

    model: Network
    protocol: Protocol
    native: Native
    scale: Normalization | None  # what is left to be done where no preset is meant
    preset: str  # of the config; "" where the config itself says

    @classmethod
    def of(cls, model: Network, protocol: Protocol) -> "Asked":
        """Hear what a network and keywords say; ConfigError for what cannot be."""
        if not callable(model):
            raise ConfigError(f"model is a {type(model).__name__}: give an nn.Module, or a function of clips")
        for name, known in (("takes", ("clips", "images")), ("precision", ("model", *_AUTOCAST)),
                            ("answers", ("all", "data"))):  # fmt: skip
            if (said := protocol.get(name, known[0])) not in known:
                raise ConfigError(f"{name}={said!r}: it is {' or '.join(known)}")
        native = native_of(model)
        wanted = normalization(protocol["normalize"]) if protocol.get("normalize") is not None else native.normalize
        if wanted is None or ("config" in protocol and protocol.get("normalize") is None):
            return cls(model, protocol, native, None, "")
        preset = preset_of(wanted)
        return cls(model, protocol, native, None if preset else wanted, preset or "unit")

    @property
    def name(self) -> str:
        """What the network is called in tables and pages."""
        name = self.protocol.get("name", self.native.name).replace("/", "_").strip(" .") or "model"
        return name[:150]

    @property
    def workers(self) -> int:
        """Processes that read and corrupt the clips of a data set."""
        said = self.protocol.get("workers", "auto")
        if said == "auto":
            from vidsparse.training.engine import loader_workers

            return loader_workers(place_of(self.model)[0].type == "cuda")
        if isinstance(said, bool) or not isinstance(said, int) or said < 0:
            raise ConfigError(f"workers={said!r}: it is a number of processes, or auto")
        return said

    @property
    def precision(self) -> str:
        """In what the network computes."""
        said = self.protocol.get("precision", "model")
        return {torch.float32: "32"}.get(dtype := place_of(self.model)[1], str(dtype)) if said == "model" else said

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of a forward pass: the network's own, or mixed."""
        said = self.protocol.get("precision", "model")
        return torch.autocast(place_of(self.model)[0].type, _AUTOCAST[said]) if said != "model" else nullcontext()

    def network(self, labels: Labels) -> GivenNetwork:
        """What gives logits in the order of the data's classes."""
        images = self.protocol.get("takes", "images" if self.native.images else "clips") == "images"
        return GivenNetwork(self.model, labels.rows, labels.logits, self.scale, images)

    def config(self, source: str, root: str | Path | None, suite: str | None, clip: Mapping[str, int]) -> Config:
        """The config of the evaluation; `clip`: frames, stride, short_side, size, where they are known already."""
        if root is None and source not in ROOTS:
            raise ConfigError(f"root: say in which folder {source} is")
        root = root if root is not None or source == "ucf101" else ROOTS[source]
        settled: dict[str, Any] = {f"data.{name}": value for name, value in clip.items()}
        settled |= {"data.normalize": self.preset} if self.preset else {}
        suite = suite if suite is not None or "config" in self.protocol else "core_10"
        config = config_of(source, None if root is None else str(root), suite, self.protocol, settled)
        return changed(config, {"name": self.name, "model.name": self.name, "model.weights": self.name})

    def clip(self, root: str | Path | None) -> dict[str, int]:
        """The clip that a data set is to give: as was said, else as the network takes it; ConfigError for a guess."""
        said, native = self.protocol, self.native
        own_recipe = root is not None and (Path(root) / RECIPE).is_file()
        if "config" in said or own_recipe:
            known = {"frames": said.get("frames"), "size": said.get("size")}
        else:
            known = {"frames": said.get("frames", native.frames), "size": said.get("size", native.size)}
            missing = [f"{key}=" for key, value in known.items() if value is None]
            missing += [] if self.preset else ["normalize="]
            if missing:
                raise ConfigError(
                    f"{', '.join(missing)}: nobody says what clips {self.name} takes; give {' and '.join(missing)}, "
                    "such as frames=16, size=112 (pixels a side) and normalize='kinetics' (a preset, or mean and std)"
                )
        found = {key: value for key, value in known.items() if value is not None}
        if "size" in found and "short_side" not in said and not own_recipe:
            found["short_side"] = max(found["size"], 2 * round(found["size"] * native.margin / 2))
        return found
