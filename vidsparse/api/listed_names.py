"""`vidsparse.list_*`: what there is by name, as tuples."""

from fnmatch import fnmatchcase

from vidsparse.listing.what_there_is import TABLES


def list_methods(pattern: str = "*") -> tuple[str, ...]:
    """Methods of sparse training whose names match a shell pattern, in the order of their table.

    >>> list_methods("granet*")[:2]
    ('granet_r', 'granet_g')
    """
    return _names("methods", pattern)


def list_corruptions(pattern: str = "*") -> tuple[str, ...]:
    """Corruptions whose names match a shell pattern.

    >>> list_corruptions("*_blur")[:2]
    ('gaussian_blur', 'defocus_blur')
    """
    return _names("corruptions", pattern)


def list_suites(pattern: str = "*") -> tuple[str, ...]:
    """Suites of corruptions whose names match a shell pattern.

    >>> list_suites("ucf101*")
    ('ucf101_p_16',)
    """
    return _names("suites", pattern)


def list_data(pattern: str = "*") -> tuple[str, ...]:
    """Kinds of data sets whose names match a shell pattern.

    >>> list_data("cifar10*")
    ('cifar10', 'cifar100', 'cifar10_1')
    """
    return _names("data", pattern)


def list_configs(pattern: str = "*") -> tuple[str, ...]:
    """Shipped configs whose names match a shell pattern.

    >>> list_configs("ucf101_rigl")
    ('ucf101_rigl',)
    """
    return _names("configs", pattern)


def _names(kind: str, pattern: str) -> tuple[str, ...]:
    names = (str(row["name"]) for row in TABLES[kind]())
    return tuple(name for name in names if fnmatchcase(name, pattern))
