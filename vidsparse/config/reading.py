"""YAML read by the rules of YAML 1.2's core schema and by the type of each field.

PyYAML reads YAML 1.1, where 010 is eight, 1:30 is ninety, `off` is false and 1_000 a thousand. Here a number is what a
person reads, and a field that holds text takes its text as it stands: `name: 1.10` is a run called 1.10.
"""

import re
from typing import Any, Literal, get_args, get_origin

import yaml
from yaml.composer import Composer
from yaml.nodes import Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from vidsparse.config.kinds import below, members, takes

_NULL = ("", "~", "null", "Null", "NULL")
_BOOL = {"true": True, "false": False}
_WORDS = {"yes": True, "on": True, "no": False, "off": False}  # for fields that are true or false alone
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.?(inf|nan)", re.IGNORECASE)
_KEY = re.compile(r"\$\{[A-Za-z_][\w.]*\}")  # ${a.b}: the value of another key
_MOST_NODES = 100_000  # aliases of aliases make a small file endless
_TAGS = ("", *(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map")))
_UNWRITABLE = re.compile(r"[\0\ud800-\udfff]")  # NUL, and bytes of a command line that are no UTF-8
_DIGITS = 400  # of an integer; more are no number for anybody


class Unfit(Exception):
    """A value that its field does not take: dotted `key`, the text, and why where the type does not say it."""

    def __init__(self, key: str, text: str, why: str = "") -> None:
        self.key, self.text, self.why = key, text, why
        super().__init__(f"{key}={text}: {why}")


class BadYaml(Exception):
    """Text that is no YAML; the message has the place, and never the text itself."""


class _Composer(Reader, Scanner, Parser, Composer, BaseResolver):  # PyYAML's own way to combine
    """YAML text to nodes, without YAML 1.1's guesses of what a plain scalar means."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        """No tag where none is written: the type of the field decides."""
        return ""


def read(text: str, kind: Any = Any) -> Any:
    """The tree of mappings, lists and scalars that a YAML document holds; `kind` is the type it is read for.

    Raises BadYaml for text that is no YAML, Unfit for a scalar that its field does not take.
    """
    return _built(text, kind, ())


def word(text: str, kind: Any, key: str) -> Any:
    """What `key=text` on the command line means for a field of this type. Raises as `read` does."""
    if any(get_origin(one) is list and get_args(one) == (str,) for one in members(kind)):
        if text in _NULL and type(None) in members(kind):
            return None
        if text.startswith("[") and text.endswith("]"):
            return [scalar(_unquoted(part), str, key, plain=False) for part in split_list(text)]
        raise Unfit(key, text)
    scalar_kinds = [one for one in members(kind) if one in (str, int, float, bool) or get_origin(one) is Literal]
    if not scalar_kinds:
        return _built(text, kind, tuple(key.split(".")))
    return scalar(_unquoted(text), kind, key, typed=True)


def scalar(text: str, kind: Any, key: str, plain: bool = True, typed: bool = False) -> Any:
    """A scalar by the type of its field; by the core schema where the field has none. `typed`: on the command line."""
    kinds = members(kind)
    if _UNWRITABLE.search(text):
        raise Unfit(key, ascii(text)[1:-1], "it has a character that no name of a file and no report can hold")
    if "${" in text:
        return _reference(text, key)
    if text == "???":
        raise Unfit(key, text, "it stands for a value that is still to be given; give it")
    if plain and text in _NULL and not (typed and str in kinds and type(None) not in kinds):
        return None
    if str in kinds:
        return text
    for one in kinds:
        if get_origin(one) is Literal and (found := [c for c in get_args(one) if str(c) == text]):
            return found[0]
    if Any in kinds:
        return _core(text) if plain else text
    value = _core(text)
    if bool in kinds and (isinstance(value, bool) or text.lower() in _WORDS):
        return value if isinstance(value, bool) else _WORDS[text.lower()]
    if isinstance(value, int) and not isinstance(value, bool) and (int in kinds or float in kinds):
        return value if int in kinds else float(text) if _FLOAT.fullmatch(text) else float(value)
    if float in kinds and _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    if isinstance(value, float) and float in kinds:
        return value
    raise Unfit(key, text)


def split_list(text: str) -> list[str]:
    """The entries of "[a, b, 'c,d', [e,f]]", each as it stands: what a shell pattern may hold means nothing here."""
    parts, depth, quote, start = [], 0, "", 1
    for place, letter in enumerate(text[1:-1], start=1):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and not text[start:place].strip():
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth <= 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, last] if (last := text[start:-1].strip()) else parts


def _core(text: str) -> Any:
    """A plain scalar by the core schema: null, a boolean, an integer, a float, or text."""
    if text in _NULL:
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return _BOOL[text.lower()]
    if _INT.fullmatch(text) and len(text) < _DIGITS:
        return int(text, 8 if text[:2] == "0o" else 16 if text[:2] == "0x" else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text) and "." in text:
        return float(text.replace(".", ""))
    return text


def _reference(text: str, key: str) -> str:
    if "${" in _KEY.sub("", text):
        raise Unfit(
            key, text, "of ${...} only ${key}, the value of another key, is read: what comes from the environment or a "
            "command would be written into config.yaml and run.json; let the shell put it in"
        )  # fmt: skip
    return text


def _unquoted(text: str) -> str:
    """Without the quotes that stand around the whole of it."""
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0] or text[0] in text[1:-1]:
        return text
    return text[1:-1]


def _built(text: str, kind: Any, parts: tuple[str, ...]) -> Any:
    try:
        node = _Composer(text).get_single_node()
        return None if node is None else _Builder().build(node, kind, parts)
    except yaml.YAMLError as error:
        raise BadYaml(_without_contents(error)) from error
    except RecursionError as error:
        raise BadYaml("it is nested too deep") from error


def _without_contents(error: yaml.YAMLError) -> str:
    """What is wrong and in which line; the text itself may be a secret."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "it has a character that YAML does not allow"
    mark = error.problem_mark or error.context_mark
    problem = re.sub(r"'.*'", "something", error.problem or "it cannot be parsed").partition("\n")[0]
    hint = (
        "; text that begins with * or & stands in quotes"
        if re.search("alias|anchor", f"{error.context} {problem}")
        else ""
    )
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}{hint}" if mark else problem


class _Builder:
    """Nodes to values; counts them, so that an alias of itself or aliases of aliases end."""

    def __init__(self) -> None:
        self._nodes = 0

    def build(self, node: Node, kind: Any, parts: tuple[str, ...]) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise BadYaml("it repeats itself by aliases without end")
        if node.tag not in _TAGS:
            raise BadYaml(f"a tag that is not read here in line {node.start_mark.line + 1}")
        if isinstance(node, ScalarNode):
            plain = node.style is None and not node.tag.endswith(":str")
            return scalar(node.value, kind, ".".join(parts), plain)
        if isinstance(node, SequenceNode):
            if not takes(kind, list):
                raise Unfit(".".join(parts), "[...]")
            return [self.build(each, below(kind, None), parts) for each in node.value]
        if not takes(kind, dict):
            raise Unfit(".".join(parts), "{...}")
        return self._mapping(node, kind, parts)

    def _mapping(self, node: Node, kind: Any, parts: tuple[str, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for name, value in node.value:
            if not isinstance(name, ScalarNode):
                raise BadYaml(f"a key that is no word in line {name.start_mark.line + 1}")
            key = name.value
            if key == "<<" and name.style is None:
                for each in value.value if isinstance(value, SequenceNode) else [value]:
                    part = self.build(each, kind, parts)
                    merged = {**part, **merged} if isinstance(part, dict) else merged
                continue
            if "${" in key:
                raise BadYaml(f"a key with ${{...}} in line {name.start_mark.line + 1}")
            if key in made:
                raise BadYaml(f"the key {key} a second time in line {name.start_mark.line + 1}")
            made[key] = self.build(value, below(kind, key), (*parts, key))
        return {**merged, **made}
