"""From a file to the config that is carried out: compose it, resolve what it leaves open, refuse what cannot be."""

from collections.abc import Sequence
from pathlib import Path

from vidsparse.config import Config
from vidsparse.config.compose import compose
from vidsparse.loading.resolve import resolve, resolve_benchmark, without_training
from vidsparse.loading.validate import check_benchmark, check_keys, check_whole, validate

__all__ = ["load_benchmark_config", "load_config", "resolve", "validate"]


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config file, or a shipped one by name, with `key=value` overrides: complete, checked and frozen.

    Raises:
        ConfigError: one sentence naming the key, its value, where it was set, and the nearest valid name.
    """
    config, origin = compose(path, overrides)
    check_keys(config, origin)
    config = resolve(config, origin)
    check_whole(config, origin)
    return config


def load_benchmark_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read the config of an offline benchmark and check what concerns it: neither model nor training."""
    config, origin = compose(path, overrides)
    config = without_training(config)  # so that test sets will do as a source
    check_keys(config, origin, files=config.benchmark.stage != "verify" or config.benchmark.deep > 0)
    config = resolve_benchmark(config, origin)
    check_benchmark(config, origin)
    return config
