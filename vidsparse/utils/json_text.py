"""JSON that a person, another program or a damaged disk may have written."""

import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from vidsparse.utils.errors import RunFolderError, some


def parsed(text: str | bytes, once: bool = False) -> Any:
    """What a JSON text says; `once` refuses an object that names a key twice, in whatever Unicode form.

    Raises:
        ValueError: it is no JSON, brackets stand in it more than about a thousand deep, or a key stands twice.

    >>> parsed('{"a": [1, null]}')
    {'a': [1, None]}
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repeats if once else None)
    except RecursionError as error:
        raise ValueError("its brackets are nested too deep") from error


def read_form(path: Path, form: tuple[str, *tuple[int, ...]], absent: str, remedy: str) -> dict[str, Any]:
    """What a file of ours says, an object whose "format" and "version" are those of `form`: a name, versions.

    Raises:
        RunFolderError: it is not there (`absent` says what to do), damaged (`remedy` does), or of another form.
    """
    if not path.is_file():
        raise RunFolderError(f"{path.parent} holds no {path.name}: {absent}")
    try:
        said = parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path} is damaged ({error}); {remedy}") from error
    if not isinstance(said, dict) or said.get("format") != form[0]:
        raise RunFolderError(f'{path} does not say "format": "{form[0]}": it is of something else')
    if said.get("version") not in form[1:]:
        raise RunFolderError(f"{path} is of version {said.get('version')}, this vidsparse reads {form[-1]}: upgrade it")
    return said


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    counts = Counter(unicodedata.normalize("NFC", key) for key, _ in pairs)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"{some(twice)} stands in it twice")
    return dict(pairs)
