"""Code of others: modules that are found by name or by file, imported once, and known by a digest of their source.

A module may be installed, or lie as NAME.py or NAME/__init__.py in a folder that the caller names, or be a file. What
it imports from the folder that it lies in belongs to its source.
"""

import ast
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module, invalidate_caches
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from corruptions.exceptions import CorruptionError, nearest

_MANY = 300  # files of an installed package, such as torch, whose version stands for them
GROUP = "vidsparse.plugins"  # of the entry points of installed packages
_INSTALLED = ("site-packages", "dist-packages")


class PluginError(CorruptionError):
    """A module of others that is not there, cannot be imported or is not what it was."""


@dataclass(frozen=True)
class Plugin:
    """A module that was imported: the name of its package, the file it lies in, a digest of its source.

    `own_file`: Python itself would not find it, so that another process is told the file.
    """

    name: str
    file: str
    digest: str
    own_file: bool


LOADED: dict[str, Plugin] = {}  # by name, in this process
ON_DROP: list[Callable[[str], None]] = []  # what is told that a module is forgotten: it takes its rows out
_FAILED: dict[str, str] = {}  # entry points that could not be loaded, and why
_ASKED: list[bool] = []  # whether entry points were looked for
_importing_now: list[str] = []  # packages, the innermost last


def load(name: str, folders: Sequence[Path] = ()) -> Plugin:
    """Import the module or the file `name`, anew where its source is not what it was; `folders` are searched too.

    Raises PluginError, one sentence.
    """
    package, file, own_file = _found(name, [*folders, Path.cwd()])
    known = LOADED.get(package)
    here = digest(file)
    if known and (known.digest != here or known.file != str(file)):
        _drop(package, Path(known.file))
        known = None
    if known is None:
        with _importing(name, package, file):
            if own_file:
                _execute(package, file)
            else:
                import_module(package)
        LOADED[package] = known = Plugin(package, str(file), here, own_file)
    if "." in name and not is_path(name):
        with _importing(name, package, file):
            import_module(name)
    return known


def attribute(reference: str) -> object:
    """What `module:attribute` stands for; PluginError in one sentence where there is no such thing."""
    module_name, _, path = reference.partition(":")
    load(module_name)
    found: object = sys.modules[module_name]
    for part in path.split("."):
        if not hasattr(found, part):
            close = nearest(part, dir(found))
            raise PluginError(
                f"{reference}: {module_name} has no {path}" + (f"; did you mean {close}?" if close else "")
            )
        found = getattr(found, part)
    return found


def is_reference(name: object) -> bool:
    """Whether it has the form `module:attribute`.

    >>> is_reference("my_package.nets:build"), is_reference("rigl")
    (True, False)
    """
    module, colon, path = name.partition(":") if isinstance(name, str) else ("", "", "")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *path.split(".")))


def refresh() -> None:
    """Import anew what was edited since; a module that is gone stays as it is until somebody names it."""
    for plugin in list(LOADED.values()):
        file = Path(plugin.file)
        if not _is_of_environment(file) and file.is_file() and digest(file) != plugin.digest:
            load(plugin.file if plugin.own_file else plugin.name)


def arrive(plugins: Sequence[Plugin]) -> None:
    """Import in this process what was imported in another one; PluginError where it is not the same here."""
    for plugin in plugins:
        known = LOADED.get(plugin.name)
        if known is None or known.digest != plugin.digest:
            known = load(plugin.file if plugin.own_file else plugin.name)
        if known.digest != plugin.digest:
            raise PluginError(
                f"the plug-in {plugin.name} ({known.file}) is not what it was when this began: it was edited, or this "
                "machine has another; give the command again"
            )


def importing() -> str:
    """The package that is being imported, for who registers rows; empty where none is."""
    return _importing_now[-1] if _importing_now else ""


def is_main(package: str) -> bool:
    """Whether a module is the file that was started as a script: it names itself as the plug-in of what it starts."""
    started = getattr(sys.modules["__main__"], "__file__", None)
    file = getattr(sys.modules.get(package), "__file__", None)
    return bool(started and file) and Path(str(started)).resolve() == Path(str(file)).resolve()


def load_entry_points() -> dict[str, str]:
    """Import the plug-ins of installed packages, once a process; {name: why} of those that could not be."""
    if not _ASKED:
        from importlib.metadata import entry_points

        _ASKED.append(True)
        for point in entry_points(group=GROUP):
            try:
                load(point.module)
            except PluginError as error:
                _FAILED[point.name] = str(error)
    return _FAILED


def source_digest(module: str) -> str:
    """The digest of the source of a module that brought rows; PluginError where it has no file, as in a notebook."""
    if module in LOADED:
        return LOADED[module].digest
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not Path(file).is_file():
        raise PluginError(
            f"what {module} registered stands in no file, as in a notebook: nobody could say later what it was, and "
            "other processes would not have it; put it into a file and name that in plugins"
        )
    return digest(Path(file))


def files_of(plugin: Plugin) -> list[Path]:
    """The files of a plug-in and of what it imports from beside it; none of a large installed package such as torch."""
    file = Path(plugin.file)
    return [] if not file.is_file() or _is_large(file) else _sources(file)


def digest(file: Path) -> str:
    """A short hash of the source of the module in a file; of an __init__.py, of its whole package."""
    if _is_large(file):
        return blake2b(_version(file).encode(), digest_size=8).hexdigest()
    made = blake2b(digest_size=8)
    top = file.parent.parent if file.name == "__init__.py" else file.parent
    for path in _sources(file):
        made.update(f"{path.relative_to(top).as_posix()}\n".encode())
        made.update(blake2b(path.read_bytes()).digest())
    return made.hexdigest()


def _is_large(file: Path) -> bool:
    return _is_of_environment(file) and len(_files_of(file)) > _MANY


def _version(file: Path) -> str:
    """The name and version of an installed package, in the place of its many files."""
    from importlib.metadata import packages_distributions, version

    package = file.parent.name
    found = packages_distributions().get(package, [])
    return " ".join([package, *(f"{name} {version(name)}" for name in sorted(set(found)))])


def _sources(file: Path) -> list[Path]:
    """The files of a module or package, and of what they import from the folder beside it."""
    found, new = set[Path](), _files_of(file)
    top = file.parent.parent if file.name == "__init__.py" else file.parent
    while new:
        found |= new
        imported = set[str]() if _is_of_environment(file) else {name for path in new for name in _imports(path)}
        beside = [path for name in imported for path in (top / f"{name}.py", top / name / "__init__.py")]
        new = {each for path in beside if path.is_file() for each in _files_of(path)} - found
    return sorted(found)


def _files_of(file: Path) -> set[Path]:
    return set(file.parent.rglob("*.py")) if file.name == "__init__.py" else {file}


def _imports(path: Path) -> Iterator[str]:
    """The first names of all that a file imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # said when it is imported
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def _found(name: str, folders: Sequence[Path]) -> tuple[str, Path, bool]:
    """The package that a name means, its file, and whether Python itself would not find it."""
    if is_path(name):
        return _file(name, folders)
    package = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")):
        raise PluginError(f"the plug-in {name}: it is the name of a module, or the path of a .py file")
    if (known := LOADED.get(package)) and known.own_file and Path(known.file).is_file():
        return package, Path(known.file), True
    if origin := _origin(package):
        return package, origin, False
    for folder in folders:
        for path in (folder / f"{package}.py", folder / package / "__init__.py"):
            if path.is_file():
                return package, path.resolve(), True
    searched = ", ".join(dict.fromkeys(str(folder) for folder in folders))
    raise PluginError(f"there is no plug-in {name}: no such module is installed, and none is in {searched}")


def _file(name: str, folders: Sequence[Path]) -> tuple[str, Path, bool]:
    places = [(folder / Path(name).expanduser()).resolve() for folder in folders]
    places = [place / "__init__.py" if place.is_dir() else place for place in places]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise PluginError(f"there is no plug-in {name}: {places[0]} does not exist")
    package = file.parent.name if file.name == "__init__.py" else file.stem
    known, origin = LOADED.get(package), _origin(package)
    other = known.file if known and Path(known.file) != file and Path(known.file).is_file() else str(origin or "")
    if other and Path(other) != file and not (known and known.file == str(file)):
        raise PluginError(f"the plug-in {file} has the name of another module, {other}: give its file another name")
    return package, file, origin is None or bool(known and known.own_file)


def is_path(name: str) -> bool:
    """Whether a plug-in is named by its file."""
    return name.endswith(".py") or os.sep in name or "/" in name


def is_installed(name: str) -> bool:
    """Whether Python itself finds a module of this name."""
    return _origin(name.partition(".")[0]) is not None


def _origin(package: str) -> Path | None:
    """The file of a module that Python finds by itself; None where it finds none."""
    if package in LOADED and LOADED[package].own_file:
        return None
    invalidate_caches()
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):  # a module of sys.modules without a spec, such as __main__
        file = getattr(sys.modules.get(package), "__file__", None)
        return Path(file).resolve() if file else None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve() if spec.has_location else Path(spec.origin)


def _execute(package: str, file: Path) -> None:
    """Import a file as a module of this name."""
    places = [str(file.parent)] if file.name == "__init__.py" else None
    spec = spec_from_file_location(package, file, submodule_search_locations=places)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is no Python file")
    module = module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


@contextmanager
def _importing(name: str, package: str, file: Path) -> Iterator[None]:
    """Around an import: what it registers is the package's, and what it raises is one sentence; then nothing stays."""
    beside = str(file.parent.parent if file.name == "__init__.py" else file.parent)
    there = package in sys.modules
    sys.path.append(beside)
    _importing_now.append(package)
    try:
        yield
    except (Exception, SystemExit) as error:
        if not there:
            _drop(package, file)
        raise PluginError(f"the plug-in {name} cannot be imported: {_said(error, file)}") from error
    finally:
        _importing_now.pop()
        sys.path.reverse()  # the last one is ours
        sys.path.remove(beside)
        sys.path.reverse()


def _said(error: BaseException, file: Path) -> str:
    """The error in one line, with the line of the file in which it arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    at = f" ({file}, line {lines[-1]})" if lines else f" ({file})"
    text = " ".join(str(error).split())
    if isinstance(error, CorruptionError) or type(error).__module__.startswith("vidsparse."):
        return f"{text}{at}"
    return f"{type(error).__name__}: {text}{at}" if text else f"{type(error).__name__}{at}"


def _drop(package: str, file: Path) -> None:
    """Forget a module, what it imported from beside it, and all that these registered."""
    if not _is_of_environment(file):  # torch, once imported, stays
        files = {str(path) for path in _sources(file)} if file.is_file() else {str(file)}
        for name, module in list(sys.modules.items()):
            if _file_of(module) in files or name == package or name.startswith(f"{package}."):
                sys.modules.pop(name, None)
    LOADED.pop(package, None)
    for told in ON_DROP:
        told(package)


def _file_of(module: ModuleType) -> str:
    return str(getattr(module, "__file__", None) or "")


def _is_of_environment(file: Path) -> bool:
    return any(part in _INSTALLED for part in file.parts) or Path(sys.base_prefix) in file.parents
