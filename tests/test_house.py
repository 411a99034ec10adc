"""The plan of the house, held by its walls: who may import whom, and what no file of a package does."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A room imports only what stands to its right; rooms joined by | do not know each other.
ORDER = (
    "scripts | __main__ → tools → cli → api → study → experiment → publishing → report → analysis → metrics"
    " → evaluation → training"
    " → benchmark → corrupt_video | listing | preview | doctor | completion | export → loading | provenance → data"
    " → models → run_dir → config → plugins → tasks | recipe_rows | probes → sparsity → classes → utils → corruptions"
)
RANK = {room: rank for rank, rooms in enumerate(ORDER.split(" → ")) for room in rooms.split(" | ")}
LONGEST = 350  # lines
DOWNLOAD = re.compile(r"\b(urlopen|urlretrieve|load_state_dict_from_url|\w*download\w*)$|^(requests|httpx|urllib3)\.")

OURS = ("vidsparse", "corruptions", "tools")
PACKAGES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FRONT_DOOR = ROOT / "vidsparse" / "__init__.py"  # names every room, and loads each when it is first used


def name(path: Path) -> str:
    """The path below the repository root, as it is shown in test ids."""
    return path.relative_to(ROOT).as_posix()


def room_of(module: str) -> str:
    """The room of a dotted module: `vidsparse.models.zoo` -> `models`, `corruptions.noise` -> `corruptions`."""
    first, *rest = module.split(".")
    return rest[0] if first == "vidsparse" and rest else first


def imported(source: str, module: str) -> set[str]:
    """Dotted names in the import statements anywhere in `source`, the text of `module`; ours only."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parent = ".".join([*module.split(".")[: -node.level], node.module or ""]).strip(".")
            base = parent if node.level else node.module or ""
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return {each for each in found if each.split(".")[0] in OURS}


def imported_rooms(source: str, module: str) -> set[str]:
    """Rooms named by the import statements anywhere in `source`, the text of `module`; ours only."""
    return {room_of(each) for each in imported(source, module)}


def dotted(path: Path) -> str:
    """The module of a file: `vidsparse.models.zoo`, `vidsparse.models.__init__`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def circle(sources: Mapping[str, str]) -> list[str]:
    """Modules {dotted: text} that import each other in a circle, one such circle; empty where there is none.

    Every import statement counts: at the top, in a function, and for annotations alone under TYPE_CHECKING. What
    Python adds of itself does not: that a module's package is imported before it.
    """
    graph = dict[str, set[str]]()
    known = {module.removesuffix(".__init__") for module in sources}
    for module, source in sources.items():
        names = {each if each in known else each.rpartition(".")[0] for each in imported(source, module)}
        graph[module.removesuffix(".__init__")] = (names & known) - {module.removesuffix(".__init__")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def may_import(room: str, other: str) -> bool:
    """Whether the order of rooms lets `room` import `other`."""
    if other == room:
        return True
    return room in RANK and other in RANK and RANK[room] < RANK[other]


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes below `node` that run when the module is imported: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from at_import(child)


def calls(nodes: Iterator[ast.AST]) -> list[str]:
    """What is called, as dotted text."""
    return [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]


def wrong_imports(path: Path) -> str:
    """What the plan says against the imports of a file; empty where nothing."""
    module = dotted(path)
    room = room_of(module)
    if room not in RANK:
        return f"the plan of the house knows no room called {room!r}"
    wrong = {other for other in imported_rooms(path.read_text(), module) if not may_import(room, other)}
    return f"{room} must not import {', '.join(sorted(wrong))}: {ORDER}" if wrong else ""


def test_a_room_imports_only_what_stands_to_its_right():
    files = [path for path in (*PACKAGES, *SCRIPTS) if path != FRONT_DOOR]
    assert {name(path): wrong for path in files if (wrong := wrong_imports(path))} == {}


def test_no_modules_import_each_other_in_a_circle():
    assert circle({dotted(path): path.read_text() for path in PACKAGES}) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from vidsparse.b import f", "import vidsparse.a"),
        ("from vidsparse.b import f", "def f():\n    from vidsparse import a"),
        ("from .b import f", "if TYPE_CHECKING:\n    from vidsparse.a import A"),
        ("from vidsparse import d", "from vidsparse.a import A"),
    ],
)
def test_every_form_of_circle_is_seen(one, other):
    sources = {"vidsparse.a": one, "vidsparse.b": other, "vidsparse.c": "from vidsparse.a import A"}
    sources["vidsparse.d.__init__"] = "from vidsparse.b import f"
    assert set(circle(sources)) in ({"vidsparse.a", "vidsparse.b"}, {"vidsparse.a", "vidsparse.b", "vidsparse.d"})
    assert circle(sources | {"vidsparse.b": "import numpy"}) == []


def test_what_makes_the_pages_of_docs_is_in_no_wheel():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["vidsparse", "corruptions"]
    assert list(wheel["force-include"].values()) == ["vidsparse/configs"]


def test_no_two_modules_have_one_name():
    seen: dict[str, list[str]] = {}
    for path in PACKAGES:
        if path.name not in ("__init__.py", "command.py"):  # one `command` in each room that has its own
            seen.setdefault(path.stem, []).append(name(path))
    assert {stem: files for stem, files in seen.items() if len(files) > 1} == {}


def test_a_folder_of_tests_is_that_of_a_room():
    rooms = {path.parent.relative_to(ROOT / path.relative_to(ROOT).parts[0]).as_posix() for path in PACKAGES}
    rooms |= {"corruptions"} | {path.stem for path in (ROOT / "vidsparse").glob("*.py")}
    other = {".", "helpers", "speed", "soak", "made_before", "packaging"}
    folders = {path.parent.relative_to(ROOT / "tests").as_posix() for path in TESTS}
    assert folders - rooms - other == set()


def test_every_test_file_that_a_text_names_is_there():
    texts = [*TESTS, *PACKAGES, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "Makefile"]
    named = {
        (file, name(path))
        for path in texts
        if path.name not in ("CHANGELOG.md", "test_tiers.py")  # of before, made up
        for file in re.findall(r"\btests/[\w/]+\.py\b", path.read_text("utf-8"))
    }
    assert len(named) > 20
    assert {(file, by) for file, by in named if not (ROOT / file).is_file()} == set()


def test_no_package_file_prints_or_downloads_when_imported():
    trees = {name(path): ast.parse(path.read_text()) for path in PACKAGES}
    assert [file for file, tree in trees.items() if "print" in calls(ast.walk(tree))] == []
    loading = {file: [call for call in calls(at_import(tree)) if DOWNLOAD.search(call)] for file, tree in trees.items()}
    assert {file: found for file, found in loading.items() if found} == {}


def test_no_file_is_too_long():
    lengths = {name(path): len(path.read_text().splitlines()) for path in (*PACKAGES, *SCRIPTS, *TESTS)}
    assert {file: lines for file, lines in lengths.items() if lines > LONGEST} == {}


def test_the_page_on_the_architecture_names_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert [room for room in RANK if f"`{room}`" not in page] == []


def test_what_several_test_files_need_stands_in_helpers():
    flat = [path.name for path in (ROOT / "tests").glob("*.py") if not path.name.startswith(("test_", "conftest"))]
    assert flat == []
    helpers = "|".join(path.stem for path in (ROOT / "tests" / "helpers").glob("[!_]*.py"))
    bare = re.compile(rf"^\s*(from ({helpers}) import|import ({helpers})$)", re.MULTILINE)
    assert [name(path) for path in TESTS if bare.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("source", "rooms"),
    [
        ("from vidsparse.models.zoo import MODELS\nimport numpy", {"models"}),
        ("from vidsparse import files, config", {"files", "config"}),
        ("def f():\n    import corruptions.noise", {"corruptions"}),
        ("from . import sources\nfrom ..engine import Engine", {"data", "engine"}),
    ],
)
def test_every_form_of_import_is_seen(source, rooms):
    assert imported_rooms(source, "vidsparse.data.loader") == rooms


def test_the_rules_refuse_what_the_plan_refuses():
    assert may_import("cli", "corruptions")
    assert may_import("data", "utils")
    refused = [
        ("experiment", "tools"),
        ("config", "models"),
        ("sparsity", "models"),
        ("corruptions", "utils"),
        ("utils", "config"),
    ]
    assert not any(may_import(room, other) for room, other in refused)
    assert DOWNLOAD.search("torch.hub.load_state_dict_from_url")
    assert not calls(at_import(ast.parse("def f():\n    urlopen('x')")))
