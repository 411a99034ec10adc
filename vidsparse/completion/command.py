"""`vidsparse completion SHELL`: a script for the shell, written by shtab from the parser of all commands."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

from vidsparse.config import Config, flatten
from vidsparse.config.compose import shipped_configs
from vidsparse.utils.errors import VidsparseError, install

SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("shell", choices=SHELLS, help="the shell; for bash: vidsparse completion bash > "
                        "~/.local/share/bash-completion/completions/vidsparse")  # fmt: skip


def carry_out(options: argparse.Namespace) -> None:
    """Print the script to standard output."""
    if find_spec("shtab") is None:
        raise VidsparseError(f"completion needs shtab: {install('completion', 'shtab')}")
    sys.stdout.write(script(options.parser, options.shell))


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion of a parser with commands: also names of shipped configs, and keys of a config."""
    import shtab

    words = {"config": [path.stem for path in sorted(shipped_configs().glob("*.yaml"))],
             "overrides": [f"{key}=" for key in flatten(asdict(Config()))]}  # fmt: skip
    for action in _actions(parser):
        if action.dest in words:
            zsh = f"({' '.join(words[action.dest])})"
            action.complete = {"bash": f"_vidsparse_{action.dest}", "zsh": zsh, "tcsh": "f"}
    preamble = "".join(
        f'_vidsparse_{name}() {{ compgen -W "{" ".join(each)}" -- "$1"; compgen -f -- "$1"; }}\n'
        for name, each in words.items()
    )
    asked: dict[str, Any] = {"preamble": {"bash": preamble}}  # typed as one text, documented as one a shell
    return str(shtab.complete(parser, shell, **asked))


def _actions(parser: argparse.ArgumentParser) -> Iterator[Any]:
    """The arguments of a parser and of its commands; shtab reads an attribute that argparse does not know."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in dict.fromkeys(action.choices.values()):
                yield from _actions(command)
