"""The `plugins` of a config: found beside the file that names them, or where the command was given, and imported."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from corruptions import outside
from vidsparse.utils.errors import ConfigError


def found_at(names: Sequence[str], folder: Path | None) -> list[str]:
    """The names with paths made absolute: those of a file in `folder` count from there, else from where we are."""
    return [_place(name, folder) for name in names]


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command without a config take `--plugins`."""
    parser.add_argument(
        "--plugins",
        metavar="A.py,B",
        action="append",
        default=[],
        help="files and modules of your own that are imported first (docs/plugins.md)",
    )


def load_option(options: argparse.Namespace) -> None:
    """Import what `--plugins` of a command names; ConfigError as of `load_plugins`."""
    names = [name for text in getattr(options, "plugins", ()) for name in text.strip("[]").split(",") if name]
    if names:
        load_plugins(found_at(names, None), "on the command line")


def load_plugins(names: Sequence[str], where: str = "") -> None:
    """Import the modules and files of these names, anew what was edited since; `where` they were named, for errors.

    Raises:
        ConfigError: one is not there, cannot be imported, or has the name of another; one sentence that names it.
    """
    try:
        outside.refresh()
        for name in names:
            outside.load(name)
    except outside.PluginError as error:
        raise ConfigError(f"plugins{f' {where}' if where else ''}: {error}") from error


def digests_of(names: Sequence[str]) -> dict[str, str]:
    """{plugins.NAME: digest of its source} of plug-ins that are loaded."""
    return {f"plugins.{plugin.name}": plugin.digest for plugin in map(outside.load, names)}


def _place(name: str, folder: Path | None) -> str:
    """An absolute path for what is a path, or a module that lies beside the file that names it; else as it is."""
    here = Path.cwd()
    places = [folder, here] if folder else [here]
    if not outside.is_path(name):
        top = name.partition(".")[0]
        if "." in name or outside.is_installed(name):
            return name
        beside = [place / end for place in places for end in (f"{top}.py", f"{top}/__init__.py")]
        return next((str(path.resolve()) for path in beside if path.is_file()), name)
    paths = [(place / Path(name).expanduser()).resolve() for place in places]
    return str(next((path for path in paths if path.exists()), paths[0]))
