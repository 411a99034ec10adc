"""The registries as tables: a row a name, the same for the console and as JSON."""

from collections.abc import Callable

Row = dict[str, object]


def models() -> list[Row]:
    """Networks of the table; timm's are further ones, `timm/NAME`."""
    from vidsparse.models.model_rows import MODELS

    return [
        {"name": row.name, "family": row.family, "frames": row.frames, "size": row.size, "task": row.task,
         "weights": list(row.weights), "source": row.source}
        for row in MODELS.values()
    ]  # fmt: skip


def methods() -> list[Row]:
    """Methods of dynamic sparse training, with those of the controls."""
    from vidsparse.sparsity.methods import METHODS

    return [
        {"name": row.name, "title": row.title, "drop": _score(row.drop), "grow": _score(row.grow), "source": row.source}
        for row in METHODS.values()
    ]


def corruptions() -> list[Row]:
    """Corruptions: their family, whether they draw, what they need of a video, and their tables of severities."""
    from corruptions import REGISTRY

    return [
        {"name": row.name, "family": row.family, "support": row.support, "random": row.random,
         "tables": list(row.tables), "source": row.source}
        for row in REGISTRY.values()
    ]  # fmt: skip


def suites() -> list[Row]:
    """Suites: how many corruptions, at which severities."""
    from corruptions import SUITES

    return [
        {"name": row.name, "version": row.version, "severities": list(row.severities), "resolution": row.resolution,
         "corruptions": [name for name, _ in row.cells]}
        for row in SUITES.values()
    ]  # fmt: skip


def data() -> list[Row]:
    """Sources of data, as `data.source` takes them."""
    from vidsparse.data.datasets.source_table import SOURCES

    return [{"name": name, "summary": source.summary} for name, source in SOURCES.items()]


def configs() -> list[Row]:
    """Configs that are shipped, by the name that a command takes, with their first line."""
    from vidsparse.config.compose import shipped_configs

    return [{"name": path.stem, "summary": _first_comment(path.read_text("utf-8"))}
            for path in sorted(shipped_configs().glob("*.yaml"))]  # fmt: skip


TABLES: dict[str, Callable[[], list[Row]]] = {
    "models": models,
    "methods": methods,
    "corruptions": corruptions,
    "suites": suites,
    "data": data,
    "configs": configs,
}


def _score(score: object) -> str:
    return str(getattr(score, "name", None) or "none")


def _first_comment(text: str) -> str:
    first = next(iter(text.splitlines()), "")
    return first.lstrip("# ").strip() if first.startswith("#") else ""
