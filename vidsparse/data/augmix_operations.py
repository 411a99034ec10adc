"""The operations of AugMix by name, and what of a test they would give away. Reading it imports nothing."""

from collections.abc import Collection, Mapping
from typing import Final

LEAST_LEVEL: Final = 0.1  # of 10: from where the level of an operation is drawn, up to the severity
OVERLAPS: Final[Mapping[str, tuple[str, ...]]] = {  # operations, and the corruptions that do the same
    "autocontrast": (),
    "equalize": (),
    "posterize": ("color_quant",),
    "rotate": ("rotate", "static_rotate"),
    "solarize": (),
    "shear_x": (),
    "shear_y": (),
    "translate_x": ("translate",),
    "translate_y": ("translate",),
}


def operations_for(corruptions: Collection[str]) -> list[str]:
    """The operations of AugMix that do nothing that these corruptions do.

    >>> operations_for(["fog", "translate"])
    ['autocontrast', 'equalize', 'posterize', 'rotate', 'solarize', 'shear_x', 'shear_y']
    """
    return [name for name, same in OVERLAPS.items() if not set(same) & set(corruptions)]
