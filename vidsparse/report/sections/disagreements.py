"""Where a sparse network and the dense one part: how often, and on which clips."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vidsparse.evaluation import metrics
from vidsparse.report.arms import Arm, Tables, paired
from vidsparse.report.figures import charts, filmstrips
from vidsparse.report.figures.charts import INK
from vidsparse.report.figures.looks import Looks
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.tables import Run, reading

_KEY = ["id", *metrics.CELL]
_SHOWN = 6  # clips of a figure


def where_they_part(arm: Arm, dense: Arm, looks: Looks) -> list[Exhibit]:
    """How often each of the two is right alone, and pictures of such clips where the runs kept and show any."""
    answers = both_answers(*paired(arm, dense))
    if answers.empty:
        return []
    draw = partial(right_alone, sparse=arm.label, dense=dense.label, looks=looks)
    caption = (
        f"Share of all answers that only {arm.label} gets right (right of zero) and only dense training (left). The "
        "difference of both bars is the gain; long bars on both sides are networks that err on other samples."
    )
    found = [Exhibit("parting", "Who is right where the two part", caption, parting(answers), draw)]
    if all(run.shows_frames for each in (arm, dense) for run in each.runs.values()):
        pictures = _gallery([*arm.runs.values(), *dense.runs.values()])
        for name in ("sparse", "dense"):
            rows = striking(answers[[key in pictures for key in zip(*(answers[k] for k in _KEY), strict=True)]], name)
            if not rows.empty:
                found.append(_strips(name, arm, dense, rows, pictures))
    return found


def both_answers(ours: Tables, theirs: Tables) -> pd.DataFrame:
    """One row a (clip, cell, seed) that both answered: key, label, seed, and prediction, confidence, right of each."""
    parts = []
    for seed in set(ours) & set(theirs):
        tables = [table.assign(right=metrics.is_right(table)).astype({"corruption": str, "profile": str})
                  for table in (ours[seed], theirs[seed])]  # fmt: skip
        wanted = ["prediction", "confidence", "right"]
        sparse, dense = (
            tables[0].reindex(columns=[*_KEY, "label", *wanted]),
            tables[1].reindex(columns=[*_KEY, *wanted]),
        )
        merged = sparse.merge(dense, on=_KEY, suffixes=("_sparse", "_dense"))
        parts.append(merged.assign(seed=seed))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def parting(answers: pd.DataFrame) -> pd.DataFrame:
    """Shares of answers by corruption, clean first: `only_sparse` and `only_dense` are right, `both`, `neither`; n."""
    sparse, dense = answers["right_sparse"], answers["right_dense"]
    kinds = {"only_sparse": sparse & ~dense, "only_dense": dense & ~sparse, "both": sparse & dense,
             "neither": ~sparse & ~dense}  # fmt: skip
    names = metrics.cell_names(answers)
    grouped = pd.DataFrame(kinds).groupby(names, sort=False)
    shares: pd.DataFrame = grouped.mean().assign(n=grouped.size()).rename_axis("corruption")
    return shares


def striking(answers: pd.DataFrame, winner: str) -> pd.DataFrame:
    """Up to six clips that the winner ("sparse" or "dense") gets right and the other wrong with every seed.

    The surest answers of both first, no clip twice and no corruption twice while there are others; rows of the lowest
    seed.
    """
    other = "dense" if winner == "sparse" else "sparse"
    by_cell = answers.groupby(_KEY, sort=False)
    always = by_cell[f"right_{winner}"].transform("all") & ~by_cell[f"right_{other}"].transform("any")
    rows = answers[always & (answers["seed"] == answers["seed"].min())]
    sure = rows[["confidence_sparse", "confidence_dense"]].fillna(0).sum(axis=1)
    rows = rows.loc[sure.sort_values(ascending=False, kind="stable").index].drop_duplicates("id")
    found: pd.DataFrame = pd.concat([rows.drop_duplicates("corruption"), rows]).drop_duplicates("id").head(_SHOWN)
    return found


def right_alone(table: pd.DataFrame, sparse: str, dense: str, looks: Looks) -> Figure:
    """Bars of `only_sparse` to the right and `only_dense` to the left, one pair a corruption (index)."""
    figure, axes = charts.panel(0.9 + 0.24 * max(len(table), 3))
    rows = np.arange(len(table))
    axes.barh(rows, table["only_sparse"], height=0.66, color=looks[sparse].shade, label=f"only {sparse} right")
    axes.barh(
        rows, -table["only_dense"], height=0.66, color=looks[dense].shade, hatch="////", label=f"only {dense} right"
    )
    axes.axvline(0, color=INK, linewidth=1)
    charts.name_rows(axes, charts.spaced(table.index))
    reach = 1.05 * max(float(table[["only_sparse", "only_dense"]].max().max()), 0.01)
    axes.set(xlabel="share of answers", xlim=(-reach, reach))
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * abs(value):g} %")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _strips(
    name: str, arm: Arm, dense: Arm, rows: pd.DataFrame, pictures: Mapping[tuple[object, ...], bytes]
) -> Exhibit:
    """Clips that only the sparse arm gets right, or only the dense one, whichever `name` says."""
    classes, (who, other) = arm.first.record.data.classes, (arm.label, dense.label)
    if name == "dense":
        who, other = other, who

    def said(of: str, label: str) -> list[str]:
        answers = zip(rows[f"prediction_{of}"], rows[f"confidence_{of}"], rows["label"], strict=True)
        return [f"{label}: {filmstrips.answer(classes, *each)}" for each in answers]

    what = [
        f"{filmstrips.condition(corruption, severity)} · {classes[label]} · {clip.rpartition('/')[2]}"
        for corruption, severity, label, clip in rows[["corruption", "severity", "label", "id"]].to_numpy()
    ]
    table = rows[[*_KEY, "label"]].assign(
        what=what, dense_said=said("dense", dense.label), sparse_said=said("sparse", arm.label)
    )
    caption = (
        f"Test {arm.first.words.clips} that {who} names rightly and {other} wrongly, with every seed, the surest "
        "answers first; after the answer its confidence. Look for what they share: motion, texture, how much of it is "
        "left."
    )
    strips = [pictures[key] for key in zip(*(rows[k] for k in _KEY), strict=True)]
    draw = partial(filmstrips.parted, strips=strips)
    return Exhibit(
        f"clips_{name}", f"{arm.first.words.clips.capitalize()} that only {who} gets right", caption, table, draw
    )


def _gallery(runs: Sequence[Run]) -> dict[tuple[object, ...], bytes]:
    """{(id, corruption, profile, severity): JPEG} of the first run that kept pictures."""
    for run in runs:
        path = run.path / "gallery.parquet"
        if path.exists():
            with reading(path):
                table = pd.read_parquet(path)
                return dict(zip(zip(*(table[k] for k in _KEY), strict=True), table["strip"], strict=True))
    return {}
