"""Shared by all tests: the fix that lets torchvision be imported beside CPU torch."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from vidsparse import _compat

_compat.install()
