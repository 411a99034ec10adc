"""All corruptions on one page, a picture each, that a word typed above it narrows down."""

from collections.abc import Iterable

from corruptions.registry import Corruption
from corruptions.suites import SUITES
from tools.docs.formulas import formula
from tools.docs.pictures import caption

GALLERY = "gallery.md"
_HEAD = """# Gallery

Every corruption on a drawn scene, in its home profile; a picture leads to its page. With a word, as `blur`, `camera` or
`video_c`, those stay whose name, family, profiles, suites or description has it.

<input class="gallery-search" type="search" placeholder="a word" aria-label="Narrow the corruptions down" hidden>
<p class="gallery-count" role="status" hidden></p>
"""


def gallery(made: str, records: Iterable[Corruption]) -> str:
    """The page: `made` is the line that says where it comes from. Without a script it shows all."""
    figures = "\n\n".join(_figure(record) for record in records)
    return f'{made}{_HEAD}\n<div class="gallery" markdown>\n\n{figures}\n\n</div>\n'


def _figure(record: Corruption) -> str:
    suites = [suite.name for suite in SUITES.values() if record.name in dict(suite.cells)]
    words = " ".join([record.name, record.family, *record.tables, *suites])
    said, shown = formula(record).what.rstrip("."), caption(record)
    return (
        f'<figure markdown data-words="{words}">\n\n'
        f"[![{record.name}: {shown}]({record.name}.webp){{ loading=lazy }}]({record.name}.md)\n\n"
        f"<figcaption markdown>[{record.name}]({record.name}.md) · {record.family} · {said}</figcaption>\n\n</figure>"
    )
