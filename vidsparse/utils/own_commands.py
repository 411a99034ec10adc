"""How a command of ours is typed: from a checkout by its script, where a wheel was installed by the program."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of a checkout, or of installed packages


def typed(name: str) -> str:
    """A command as a person types it here: "python scripts/run.py", or "vidsparse run" where there are no scripts."""
    return " ".join(words(name))


def words(name: str) -> list[str]:
    """The words of that."""
    script = Path("scripts", f"{name}.py")
    return ["python", str(script)] if (ROOT / script).is_file() and _is_ours(ROOT) else ["vidsparse", name]


def _is_ours(root: Path) -> bool:
    """Whether a folder is a checkout of ours: another package may have put its scripts beside ours."""
    return (root / "vidsparse").is_dir() and (root / "pyproject.toml").is_file()
