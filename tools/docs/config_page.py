"""docs/config.md: every key of the config, a table a block, made from the schema."""

from vidsparse.config.kinds import kind_of
from vidsparse.config.reference import Key, keys
from vidsparse.config.schema import Config

_MADE = "<!-- made by scripts/docs.py from the schema, vidsparse/config: change it there -->"
_INTRODUCTION = """# The config

Every key that a YAML file and the command line take, as `block.key=value`. Precedence: these defaults, then `base:`
files, the file, its `sample:` block on the built-in sample data, the command line. `${data.source}` stands for the
value of another key. Keys of `sparse` that are null take the value of the method's own row (docs/methods)."""


def config_page() -> str:
    """The text of docs/config.md: one table a block, with what the block is."""
    parts = [f"{_MADE}\n{_INTRODUCTION}"]
    blocks: dict[str, list[Key]] = {}
    for each in keys():
        blocks.setdefault(each.name.rpartition(".")[0], []).append(each)
    for block, rows in blocks.items():
        about = (kind_of(block) if block else Config).__doc__ or ""
        text = "\n".join(line.strip() for line in about.strip().splitlines())
        parts.append(f"## {block or 'the run itself'}\n\n{text}\n\n{_table(rows)}")
    return "\n\n".join(parts) + "\n"


def _table(rows: list[Key]) -> str:
    head = "| key | type | default | range | unit | meaning |\n|---|---|---|---|---|---|\n"
    lines = (
        (f"`{row.name.rpartition('.')[2]}`", row.type, f"`{row.default}`", row.range, row.unit, row.meaning)
        for row in rows
    )
    return head + "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
