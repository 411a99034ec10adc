"""Exhibits of where networks look: filmstrips of a few clips, clean and corrupted."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from vidsparse.report.figures import filmstrips
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.sections.run_groups import Subjects, first_of, joined
from vidsparse.report.tables import Run, reading

_CLIPS = 2  # whose saliency is shown
_CAPTION = {
    "grad_cam": "clear is where the evidence for that class lies, faded what does not count; time from left to right. "
    "A network that is misled looks elsewhere on the corrupted frames than on the clean ones.",
    "rollout": "clear is what the answer draws on most through the attention of all layers, whatever the class, faded "
    "what it draws on least; time from left to right. Each strip spans its own range: the number after the answer is "
    "most over least, and near 1 x the network looks everywhere alike.",
}


def saliency(subjects: Subjects) -> list[Exhibit]:
    """Two clips for each kind of explanation, at most two networks: see `_telling` for which."""
    found = []
    shown = {label: runs[0] for label, runs in list(subjects.items())[:2]}
    tables = first_of(dict(list(subjects.items())[:2]), "saliency")
    if not tables:
        return []
    whole = joined(tables)
    for kind, title in (("grad_cam", "Grad-CAM"), ("rollout", "attention rollout")):
        rows = whole[whole["kind"] == kind]
        arms = [label for label in tables if (rows["arm"] == label).any()]
        both = rows.groupby(["clip", "id", "condition"], sort=False)["arm"].transform("nunique") == len(arms)
        rows = rows[both] if arms else rows
        for number, clip in enumerate(_telling(rows)[:_CLIPS]):
            of_clip = rows[rows["clip"] == clip]
            found.append(
                _filmstrip(f"saliency_{kind}_{number + 1}", title, of_clip, {label: shown[label] for label in arms})
            )
    return found


def _telling(rows: pd.DataFrame) -> list[int]:
    """Clips, those first that every network names rightly when clean, of these those on which most answers part.

    Of a clip that is wrong when clean, a map shows no more than a mistake.
    """
    clean = rows[rows["condition"] == "clean"]
    right = (clean["label"] == clean["prediction"]).groupby(clean["clip"]).all()
    answers = rows.groupby("clip")["prediction"].nunique()
    order = pd.DataFrame({"right": right.reindex(answers.index, fill_value=False), "answers": answers})
    return [int(str(clip)) for clip in order.sort_values(["right", "answers"], ascending=False, kind="stable").index]


def _filmstrip(name: str, title: str, rows: pd.DataFrame, runs: Mapping[str, Run]) -> Exhibit:
    classes = next(iter(runs.values())).record.data.classes
    kind, clip = rows["kind"].iloc[0], rows["clip"].iloc[0]
    conditions = list(rows["condition"].unique())
    strips: dict[str, list[filmstrips.Pixels]] = {name: [] for name in conditions}
    spread: dict[tuple[str, str], float] = {}
    for at, (label, run) in enumerate(runs.items()):
        stored = run.path / "analysis" / "saliency.npz"
        with reading(stored), np.load(stored) as arrays:
            for condition in conditions:
                frames = arrays[f"frames/{clip}/{condition}"]
                if not at and len(runs) == 1:
                    strips[condition].append(frames)
                maps = arrays[f"{kind}/{clip}/{condition}"]
                if kind == "rollout":
                    maps, spread[condition, label] = filmstrips.stretched(maps)
                strips[condition].append(filmstrips.faded(frames, maps))
    answers = rows[["prediction", "confidence", "label"]].itertuples(index=False, name=None)
    said = [filmstrips.answer(classes, *each) for each in answers]
    caption = f"Test clip {rows['id'].iloc[0]}, {_named(classes, rows['label'].iloc[0])}: {_CAPTION[kind]}"
    if kind == "rollout":
        rows = rows.assign(most_over_least=[spread[key] for key in zip(rows["condition"], rows["arm"], strict=True)])
        said = [f"{words}; {most:.1f} x" for words, most in zip(said, rows["most_over_least"], strict=True)]
    headings = [*(["frames"] if len(runs) == 1 else []), *runs]
    draw = partial(filmstrips.saliency, strips=strips, headings=headings)
    table = rows.assign(answer=said).drop(columns=["clip", "kind"])
    return Exhibit(
        name, f"Where the networks look: {title}" if len(runs) > 1 else f"Where it looks: {title}", caption, table, draw
    )


def _named(classes: Sequence[str], number: int) -> str:
    return str(classes[number]) if 0 <= number < len(classes) else "of no known class"
