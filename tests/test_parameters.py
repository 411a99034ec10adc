"""Functions take few things: at most six parameters, and no whole Config for one field of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST = 6
# Published signatures, which users write: their names are settings.
PUBLISHED = {
    "corruptions/apply.py": {"corrupt", "corrupt_labels", "frames_needed", "damaged_frames"},
    "corruptions/torch/tensor_corrupt.py": {"corrupt"},
    "vidsparse/sparsity/topology.py": {"sparsify"},
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))


def parameters(function: Function) -> list[ast.arg]:
    given = function.args
    return [each for each in (*given.posonlyargs, *given.args, *given.kwonlyargs) if each.arg not in ("self", "cls")]


def one_field(function: Function) -> str | None:
    """The only field that is read of a parameter of type Config, where it is not handed on whole."""
    for parameter in parameters(function):
        if parameter.annotation is None or ast.unparse(parameter.annotation).strip("\"'") != "Config":
            continue
        inside = [node for line in function.body for node in ast.walk(line)]
        named = [node for node in inside if isinstance(node, ast.Name) and node.id == parameter.arg]
        fields = [node.attr for node in inside if isinstance(node, ast.Attribute) and node.value in named]
        if len(fields) == len(named) and len(set(fields)) == 1:
            return fields[0]
    return None


def packages() -> Iterator[tuple[str, str]]:
    for path in sorted([*(ROOT / "vidsparse").rglob("*.py"), *(ROOT / "corruptions").rglob("*.py")]):
        yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_only_published_signatures_have_more_than_six_parameters():
    found: dict[str, set[str]] = {}
    for name, source in packages():
        if many := {each.name for each in functions(source) if len(parameters(each)) > MOST}:
            found[name] = many
    assert found == PUBLISHED


def test_no_function_takes_the_whole_config_for_one_field_of_it():
    found = [(name, each.name, field) for name, source in packages()
             for each in functions(source) if (field := one_field(each))]  # fmt: skip
    assert found == []


def test_the_rules_see_what_they_refuse():
    source = "def f(a, b, c, *, d, e, f, g): ...\ndef g(config: Config): return config.data.x\n"
    source += "def h(config: 'Config'): return k(config, config.data)\nclass A:\n def m(self, a): ..."
    found = list(functions(source))
    assert [len(parameters(each)) for each in found] == [7, 1, 1, 1]
    assert [one_field(each) for each in found] == [None, "data", None, None]
