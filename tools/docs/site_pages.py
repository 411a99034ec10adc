"""Pages of the site that the code writes itself: every config key, the command line, the public names of Python."""

import argparse
import sys
from importlib import import_module
from io import StringIO
from unittest.mock import patch

from vidsparse.cli import COMMANDS
from vidsparse.config.kinds import kind_of
from vidsparse.config.reference import Key, keys
from vidsparse.config.schema import Config

_EXAMPLES = {"str": "NAME", "int": "1", "float": "0.5", "bool": "true"}


def reference_pages() -> dict[str, str]:
    """{path below reference/: text}."""
    return {**config_pages(), "command-line.md": command_page(), "api.md": api_page()}


def config_pages() -> dict[str, str]:
    """A page a block of the config, a heading a key, so that a search for the key finds it."""
    blocks: dict[str, list[Key]] = {}
    for each in keys():
        blocks.setdefault(each.name.split(".")[0] if "." in each.name else "run", []).append(each)
    pages = {f"config/{block}.md": _block(block, rows) for block, rows in blocks.items()}
    lines = [f"- [{block}]({block}.md): {', '.join(f'`{row.name}`' for row in rows)}" for block, rows in blocks.items()]
    pages["config/index.md"] = "\n".join(
        ["# Config keys", "", "Every key, as `key=value` on the command line or nested in YAML; all on one page, as",
         "tables: [config](../../config.md).", "", *lines, ""]
    )  # fmt: skip
    return pages


def _block(block: str, rows: list[Key]) -> str:
    about = (Config if block == "run" else kind_of(block)).__doc__ or ""
    text = "\n".join(line.strip() for line in about.strip().splitlines())
    return "\n\n".join([f"# {block}", text, *map(_key, rows)]) + "\n"


def _key(row: Key) -> str:
    facts = {"Type": row.type, "Default": f"`{row.default}`", "Range": row.range, "Unit": row.unit}
    lines = "\n".join(f"- **{name}**: {value}" for name, value in facts.items() if value)
    meaning = f"{row.meaning[:1].upper()}{row.meaning[1:]}."
    return f"## {row.name}\n\n{meaning}\n\n{lines}\n\n```\nvidsparse run ucf101_rigl {example(row)}\n```"


def example(row: Key) -> str:
    """One valid-looking setting of a key: its default where that says something, else a value of its type.

    >>> example(Key("training.seed", "int", "0", "", "", "")), example(Key("a.b", "str or null", "null", "", "", ""))
    ('training.seed=0', 'a.b=NAME')
    """
    if row.default not in ("null", "{}", ""):
        return f"'{row.name}={row.default}'" if set(row.default) & set("${}[] ") else f"{row.name}={row.default}"
    return f"{row.name}={_EXAMPLES.get(row.type.split(' ')[0], 'null')}"


def command_page() -> str:
    """What each command answers to --help; the keys of the config, which some of them list, have pages of their own."""
    parts = ["# Command line", "`vidsparse COMMAND`, or from a checkout `python scripts/COMMAND.py`."]
    for name, (_, summary, add) in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"vidsparse {name}", description=summary)
        add(parser)
        said = StringIO()
        with patch.dict("os.environ", {"COLUMNS": "100", "NO_COLOR": "1"}):
            parser.print_help(said)
        parts.append(f"## {name}\n\n{summary}.\n\n```text\n{said.getvalue().strip()}\n```")
    return "\n\n".join(parts) + "\n"


def api_page() -> str:
    """The public names of both packages, each where it is defined, for mkdocstrings."""
    parts = [
        "# Python",
        "The public names of `vidsparse` and `corruptions`; more by example: [from Python](../python.md).",
    ]
    for package in ("vidsparse", "corruptions", "corruptions.torch"):
        parts.append(f"## {package}")
        parts += [f"::: {place}\n    options:\n      heading_level: 3" for place in sorted(_places(package))]
    return "\n\n".join(parts) + "\n"


def _places(package: str) -> set[str]:
    """Where the functions and classes among the public names of a package are defined."""
    module, found = import_module(package), set()
    for name in module.__all__:
        value = getattr(module, name)
        home = getattr(value, "__module__", "")
        if callable(value) and home.split(".")[0] in sys.modules and home.startswith(("vidsparse", "corruptions")):
            found.add(f"{home}.{value.__qualname__}")
    return found
