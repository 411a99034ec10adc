"""Values of a config as the command line takes them."""

import json
from typing import Any


def spelled(value: Any) -> str:
    """A value as the command line takes it.

    >>> spelled(None), spelled([1, 2]), spelled(0.5)
    ('null', '[1, 2]', '0.5')
    """
    return json.dumps(value) if value is None or isinstance(value, list | dict) else str(value)
