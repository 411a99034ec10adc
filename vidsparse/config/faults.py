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
        return ConfigError(f"{key}={one_line(str(value))}{' ' + origin[key] if key in origin else ''}: {why}")

    return fail


def one_line(text: str) -> str:
    """The text with line breaks and all else that cannot be printed escaped, so that a message stays one line."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )
