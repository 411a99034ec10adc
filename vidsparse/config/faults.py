"""How what is wrong with a config is said: the key, its value, where that was set, why it cannot be."""

from collections.abc import Callable, Mapping

from vidsparse.config.schema import Config
from vidsparse.utils.errors import ConfigError

Fail = Callable[[str, str], ConfigError]


def failing(config: Config, origin: Mapping[str, str]) -> Fail:
    """What makes the error of a dotted key and why it cannot be; `origin` says where keys were set."""

    def fail(key: str, why: str) -> ConfigError:
        value: object = config
        for part in key.split("."):
            value = getattr(value, part)
        return ConfigError(f"{key}={value}{' ' + origin[key] if key in origin else ''}: {why}")

    return fail
