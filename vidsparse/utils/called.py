"""Calling a function of somebody's own with what it asks for."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from vidsparse.utils.errors import ConfigError


def called(what: str, function: Callable[..., Any], *leading: Any, **offered: Any) -> Any:
    """`function(*leading, ...)` with those of `offered` that it has a parameter for.

    ConfigError, which begins with `what`, where it asks for another one.

    >>> called("own", lambda x, scale=1: x * scale, 3, scale=2, shift=5)
    6
    """
    try:
        parameters = [*signature(function).parameters.values()]
    except (TypeError, ValueError):  # some that are written in C say nothing of what they take
        return function(*leading)
    named = [each for each in parameters if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)]
    free = named[len(leading) :] if not any(each.kind == Parameter.VAR_POSITIONAL for each in parameters) else named
    for each in free:
        if each.default is Parameter.empty and each.name not in offered:
            given = ", ".join(offered) or "nothing more"
            raise ConfigError(f"{what}: its parameter {each.name} is none of what it can be given: {given}")
    return function(*leading, **{each.name: offered[each.name] for each in free if each.name in offered})


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter of this name."""
    try:
        return name in signature(function).parameters
    except (TypeError, ValueError):
        return False
