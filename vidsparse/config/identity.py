"""What a run is: the part of a config that makes its results, its digest, and the config as YAML text."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from omegaconf import OmegaConf

from vidsparse.config.schema import SAMPLE_ROOT, Config

_NOT_RESULTS = (
    "evaluation.reference",
    "evaluation.protocol",
    "evaluation.max_clip_mb",
    "evaluation.batch_size",
    "evaluation.frost_textures",  # the digest of its pictures stands for it
)
# What keys were before they were keys: runs of then are continued by the same values now.
_BEFORE: dict[str, tuple[Any, ...]] = {
    "task": ("classification",),
    "model.narrowed": (0.0,),
    "sparse.init": ("auto", "random"),
    "sparse.drop_fraction_end": (0.0,),
    "sparse.decay_until": (0.0,),
    "sparse.grow_window": (1,),
    "sparse.reset_regrown": (False,),
    "sparse.signed_drop": (False,),
    "sparse.rescale_init": (False,),
    "sparse.settings": ({},),
    "sparse.rearrange": (None,),
    "training.loss": (None,),
    "training.augmix.severity": (0.0,),
    "training.augmix.width": (3,),
    "training.augmix.depth": (0,),
    "training.augmix.alpha": (1.0,),
    "training.augmix.jsd": (0.0,),
    "training.augmix.operations": (None,),
    "training.optimizer.settings": ({},),
    "evaluation.temporal": (None,),
}
_DECAY_BEFORE = {"set": "constant", "mest": "halved"}


def to_yaml(config: Config) -> str:
    """The resolved config as YAML text; `compose` reads it back to the same config."""
    said = "# The clips are the built-in sample data.\n" if config.data.root == SAMPLE_ROOT else ""
    tree = _tree(asdict(config))
    if not config.study.methods:
        del tree["study"]
    if not config.report.metrics:
        del tree["report"]["metrics"]
    if not config.plugins:
        del tree["plugins"]
    if not config.sparse.settings:
        del tree["sparse"]["settings"]
    return said + str(OmegaConf.to_yaml(OmegaConf.create(tree)))


def identity(config: Config) -> dict[str, Any]:
    """What a run is, as {dotted key: value}: all but where it runs, where data lie and how it is shown.

    A key that is at the value that it had before it was one is not named, so that older runs are continued. The data
    fingerprint stands for `data.root`, digests for `plugins` (`loading.brought_rows`); `evaluation.reference` changes
    the report alone, `_NOT_RESULTS` no result.
    """
    tree = _tree(asdict(config))
    shown = ("engine.", "logging.", "analysis.", "report.", "study.", "benchmark.", "cluster.", "sample", "plugins")
    left_out = (*shown, "data.root", "data.eval_root", "data.timeout_s", *_NOT_RESULTS)
    kept = {key: value for key, value in flatten(tree).items() if not key.startswith(left_out)}
    before = {**_BEFORE, "sparse.decay": (_DECAY_BEFORE.get(config.sparse.method, "cosine"),)}
    if config.sparse.method.startswith("itop"):
        before["sparse.drop_fraction_end"] = (0.005,)
    return {key: value for key, value in kept.items() if value not in before.get(key, ())}


def _tree(value: Any) -> Any:
    """Mappings, lists and scalars, as YAML has them."""
    if isinstance(value, Mapping):
        return {str(key): _tree(each) for key, each in value.items()}
    return [_tree(each) for each in value] if isinstance(value, list | tuple) else value


def digest(value: Any) -> str:
    """A short stable hash of JSON-like data."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """{'a': {'b': 1}} -> {'a.b': 1}; empty mappings and lists are leaves."""
    if not isinstance(tree, Mapping) or not tree:
        return {prefix: tree}
    return {k: v for key, sub in tree.items() for k, v in flatten(sub, f"{prefix}.{key}" if prefix else key).items()}
