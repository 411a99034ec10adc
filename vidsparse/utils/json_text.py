"""JSON that a person, another program or a damaged disk may have written."""

import json
import unicodedata
from collections import Counter
from typing import Any

from vidsparse.utils.errors import some


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


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    counts = Counter(unicodedata.normalize("NFC", key) for key, _ in pairs)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"{some(twice)} stands in it twice")
    return dict(pairs)
