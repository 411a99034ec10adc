"""Exhibits of run/analysis/: frequencies, weights and saliency of a run, or of several beside the dense one."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from corruptions import REGISTRY
from vidsparse.analysis.curves import attenuation_curves, fourier_errors
from vidsparse.evaluation.statistics import holm
from vidsparse.report import filmstrips, frequencies, weights
from vidsparse.report.exhibits import Exhibit
from vidsparse.report.tables import Run

Subjects = Mapping[str, Sequence[Run]]  # runs by what they are called, one a seed; the two that maps show come first
_LINES = 6  # subjects of one figure; its table holds all
_CLIPS = 2  # whose saliency is shown

DEFINITIONS = (
    (
        "Attenuation",
        "C(r) = accuracy without frequencies: low max(|u|, |v|) < r / 2, high max(|u|, |v|) > (S − r) / 2",
        "Of test clips whose frames (or, in time, whose pixels) had these frequencies removed; u and v are periods a "
        "side S, in time periods a clip.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, equations 1 and 2",
    ),
    (
        "Fourier sensitivity",
        "error(u, v) of clips + one wave of u periods across and v down, L2 norm of the wave fixed",
        "Each channel of a frame gets the wave with a sign of its own. The map is its own mirror image.",
        "“A Fourier Perspective on Model Robustness”, arXiv 1906.08988",
    ),
    (
        "Dispersion of channels",
        "D = Σ_c (n_c − n)² / (C V), V hypergeometric",
        "Variance of the counts n_c of non-zeros of C channels over that of a random mask of the same total; "
        "(C − 1) D against χ² of C − 1 degrees of freedom, one-sided; empty channels against a Poisson number.",
        "The maps are those of arXiv 2410.03030, section 5.1; the test is ours",
    ),
    (
        "Grad-CAM and attention rollout",
        "relu(Σ_c a_c A_c), a_c = mean ∂ logit / ∂ A_c;   Π_l (mean over heads A_l + 1) / 2",
        "Of the label's logit. Scaled to the clip's largest value, which does not compare between clips.",
        "Selvaraju et al. 2017; Abnar and Zuidema 2020",
    ),
)


def exhibits(subjects: Subjects, dense: str | None, chance: float) -> list[Exhibit]:
    """Every figure that these runs have the tables for; pictures of clips only where all of them allow it."""
    found = [
        *_attenuation(subjects, dense, chance),
        *_fourier(subjects),
        *_filters(subjects, dense),
        *_spectra(subjects),
        *_kernels(subjects, dense),
        *_channels(subjects),
        *_over_training(subjects),
    ]
    if all(run.shows_frames for runs in subjects.values() for run in runs):
        found += _saliency(subjects)
    return found


def read(run: Run, name: str) -> pd.DataFrame | None:
    """A table of run/analysis/, None where it was not made or is empty."""
    path = run.path / "analysis" / f"{name}.parquet"
    table = pd.read_parquet(path) if path.exists() else None
    return None if table is None or table.empty else table


def _tables(subjects: Subjects, name: str) -> dict[str, pd.DataFrame]:
    """The table of each subject that has it, its seeds one after the other."""
    found = {
        label: [table for run in runs if (table := read(run, name)) is not None] for label, runs in subjects.items()
    }
    return {label: pd.concat(tables, ignore_index=True) for label, tables in found.items() if tables}


def _drawn(table: pd.DataFrame) -> tuple[list[str], str]:
    """The subjects that a figure of lines can show, and what its caption says of the others."""
    arms = list(table["arm"].unique())
    more = f" {_LINES} of {len(arms)} arms are drawn, the table holds all." if len(arms) > _LINES else ""
    return arms[:_LINES], more


def _joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(arm=label) for label, table in tables.items()], ignore_index=True)


def _attenuation(subjects: Subjects, dense: str | None, chance: float) -> list[Exhibit]:
    answers = _tables(subjects, "attenuation")
    if not answers:
        return []
    whole = _joined({label: attenuation_curves(table) for label, table in answers.items()})
    arms, more = _drawn(whole)
    clips = next(iter(answers.values()))["id"].nunique()
    band = f" Bands: 95 % over recordings, {clips} clips." if len(arms) <= 3 else f" {clips} clips."
    told = {
        "space": ("Accuracy without low or high spatial frequencies", "radius r",
                  "A curve that stays up longer does without what was removed. The paper finds that sparse training "
                  "leans on low frequencies: below dense in the upper panel, above it in the lower one."),
        "time": ("Accuracy without slow or fast motion", "radius r along time",
                 "High frequencies along time removed leave slow change, and at the last radius a still mean frame; low "
                 "ones removed leave motion without its scene. A flat curve is a network that does without motion."),
    }  # fmt: skip
    found = []
    for axis, (title, radius, caption) in told.items():
        table = whole[(whole["axis"] == axis) | (whole["side"] == "none")]
        if (table["axis"] == axis).any() and set(table["side"]) != {"none"}:
            draw = partial(
                _some_arms, arms=arms, draw=partial(frequencies.attenuation, radius=radius, dense=dense, chance=chance)
            )
            found.append(Exhibit(f"attenuation_{axis}", title, caption + band + more, table.drop(columns="axis"), draw))
    return found


def _some_arms(table: pd.DataFrame, arms: Sequence[str], draw: Callable[[pd.DataFrame], Figure]) -> Figure:
    return draw(table[table["arm"].isin(arms)])


def _fourier(subjects: Subjects) -> list[Exhibit]:
    answers = _tables(subjects, "fourier")
    if not answers:
        return []
    maps = {label: fourier_errors(table).stack().rename("error").reset_index() for label, table in answers.items()}
    shown = list(maps)[:2]
    caption = (
        "Dark: waves of that frequency make the network err. The middle is a change of brightness, the border the finest "
        f"pattern shown. {next(iter(answers.values()))['id'].nunique()} clips."
    )
    if len(shown) == 2:
        caption += " Difference: sparse minus dense; waves with a plus (orange) hurt the sparse network more, others (blue) less."
    draw = partial(_some_arms, arms=shown, draw=frequencies.fourier)
    return [
        Exhibit(
            "fourier", "Sensitivity to single frequencies", caption, _joined(maps)[["arm", "v", "u", "error"]], draw
        )
    ]


def _filters(subjects: Subjects, dense: str | None) -> list[Exhibit]:
    tables = {label: table.groupby(["axis", "frequency"], sort=False)["power"].mean().reset_index()
              for label, table in _tables(subjects, "filter_spectra").items()}  # fmt: skip
    if not tables:
        return []
    whole = _joined(tables)[["arm", "axis", "frequency", "power"]]
    arms, more = _drawn(whole)
    caption = (
        "Mean spectrum of the first layer's filters, each of unit energy. Power on the left: filters that average; on the "
        f"right: filters that look for fine detail and noise.{more}"
    )
    draw = partial(_some_arms, arms=arms, draw=partial(frequencies.filter_spectra, dense=dense))
    return [Exhibit("filter_spectra", "What the first filters listen to", caption, whole, draw)]


def _spectra(subjects: Subjects) -> list[Exhibit]:
    """Of the data, so that one run's are everybody's."""
    table = next(
        (t for runs in subjects.values() for run in runs if (t := read(run, "corruption_spectra")) is not None), None
    )
    if table is None or set(table["corruption"]) == {"clean"}:
        return []
    caption = (
        "Power of corrupted minus clean clips, the dashed line that of clean ones. A corruption above it drowns the clip "
        "at that frequency; flat lines are noise, falling ones blur or weather. The constant part is left out."
    )
    families = {name: REGISTRY[name].family if name in REGISTRY else "other" for name in table["corruption"].unique()}
    found = []
    for axis, title in (
        ("space", "What each corruption adds in space"),
        ("time", "What each corruption adds along time"),
    ):
        part = table[(table["axis"] == axis) & (table["frequency"] > 0)].drop(columns="axis")
        if not part.empty:
            draw = partial(frequencies.corruption_spectra, axis=axis, families=families)
            found.append(Exhibit(f"corruption_spectra_{axis}", title, caption, part, draw))
    return found


def _kernels(subjects: Subjects, dense: str | None) -> list[Exhibit]:
    stored = {label: runs[0].path / "analysis" / "kernels.npz" for label, runs in list(subjects.items())[:2]}
    stored = {label: path for label, path in stored.items() if path.exists()}
    if not stored:
        return []
    maps: dict[str, dict[str, dict[str, weights.Map]]] = {}
    for label, path in stored.items():
        with np.load(path) as arrays:
            maps[label] = {kind: {key[2:]: arrays[key] for key in arrays if key[0] == kind} for kind in "NA"}
    label = next((name for name in stored if name != dense), next(iter(stored)))
    table = read(subjects[label][0], "spatial")
    if table is None or not set(maps[label]["N"]) <= set(table["layer"]):
        return []
    columns: list[weights.Column] = [(label, "sum of |w|", maps[label]["A"])]
    if label != dense:
        columns.append((label, "non-zeros", maps[label]["N"]))
    if dense in stored and label != dense:
        columns.insert(0, (dense, "sum of |w|", maps[dense]["A"]))
    caption = (
        "A square a kernel, white where it has no weight; first to last layer. White lines across or down are channels "
        "that training gave up. D is how much more unequal the channels are than those of a random mask of the same "
        "density, where it is 1; p: how often a random mask is as unequal, or has as many empty channels."
    )
    draw = partial(weights.kernel_maps, columns=columns)
    return [Exhibit("kernel_maps", "Where the weights of a layer are", caption, table, draw)]


def _channels(subjects: Subjects) -> list[Exhibit]:
    tables = {label: read(runs[0], "spatial") for label, runs in subjects.items()}
    tested = {label: _tested(table) for label, table in tables.items() if table is not None}
    tested = {label: table for label, table in tested.items() if table["dispersion"].notna().any()}
    if not tested:
        return []
    whole = _joined(tested)
    arms, more = _drawn(whole)
    caption = (
        "Right of the dashed line the weights of a layer keep to some channels and leave others. Filled marks: more than "
        f"a random mask would, p < 0.05 after Holm's correction over layers and sides.{more}"
    )
    draw = partial(_some_arms, arms=arms[:3], draw=weights.channels)
    return [Exhibit("channels", "How unequally channels keep their weights", caption, whole, draw)]


def _tested(table: pd.DataFrame) -> pd.DataFrame:
    """One row a (layer, side): channels, empty, expected, p_empty, dispersion, p_dispersion, and p_holm of the last."""
    names = ["channels", "empty", "expected", "p_empty", "dispersion", "p_dispersion"]
    sides = [
        table[["layer", *(f"{side}_{name}" for name in names)]].set_axis(["layer", *names], axis=1).assign(side=side)
        for side in weights.SIDES
    ]
    whole = pd.concat(sides, ignore_index=True)
    there = whole["p_dispersion"].notna()
    whole.loc[there, "p_holm"] = holm(whole.loc[there, "p_dispersion"])
    return whole.reindex(columns=["layer", "side", *names, "p_holm"])


def _over_training(subjects: Subjects) -> list[Exhibit]:
    paths = {label: runs[0].path / "structure.csv" for label, runs in subjects.items()}
    tables = {label: _structure(pd.read_csv(path)) for label, path in paths.items() if path.exists()}
    tables = {
        label: table for label, table in tables.items() if len(table) > 1 and table["output_dispersion"].notna().any()
    }
    if not tables:
        return []
    whole = _joined(tables)
    arms, more = _drawn(whole)
    caption = (
        "Medians over layers; the dotted line is a random mask. A rising line is training that draws the weights together "
        f"in some channels; a static mask stays where it began.{more}"
    )
    draw = partial(_some_arms, arms=arms, draw=weights.over_training)
    return [Exhibit("structure_training", "Structure of the masks over training", caption, whole, draw)]


def _structure(table: pd.DataFrame) -> pd.DataFrame:
    by_step = table.groupby("step")
    found = by_step[["output_dispersion", "input_dispersion"]].median()
    return found.assign(empty=by_step[["empty_outputs", "empty_inputs"]].sum().sum(axis=1)).reset_index()


def _saliency(subjects: Subjects) -> list[Exhibit]:
    found = []
    shown = {label: runs[0] for label, runs in list(subjects.items())[:2]}
    tables = {label: table for label, run in shown.items() if (table := read(run, "saliency")) is not None}
    if not tables:
        return []
    whole = _joined(tables)
    for kind, title in (("grad_cam", "Grad-CAM"), ("rollout", "attention rollout")):
        rows = whole[whole["kind"] == kind]
        arms = [label for label in tables if (rows["arm"] == label).any()]
        both = rows.groupby(["clip", "id", "condition"], sort=False)["arm"].transform("nunique") == len(arms)
        rows = rows[both] if arms else rows
        parting = rows.groupby("clip")["prediction"].nunique().sort_values(ascending=False, kind="stable")
        for number, clip in enumerate(parting.index[:_CLIPS]):
            of_clip = rows[rows["clip"] == clip]
            found.append(
                _filmstrip(f"saliency_{kind}_{number + 1}", title, of_clip, {label: shown[label] for label in arms})
            )
    return found


def _filmstrip(name: str, title: str, rows: pd.DataFrame, runs: Mapping[str, Run]) -> Exhibit:
    classes = next(iter(runs.values())).info["data"]["classes"]
    kind, clip = rows["kind"].iloc[0], rows["clip"].iloc[0]
    conditions = list(rows["condition"].unique())
    strips: dict[str, list[filmstrips.Pixels]] = {name: [] for name in conditions}
    for at, run in enumerate(runs.values()):
        with np.load(run.path / "analysis" / "saliency.npz") as arrays:
            for condition in conditions:
                frames = arrays[f"frames/{clip}/{condition}"]
                if not at and len(runs) == 1:
                    strips[condition].append(frames)
                strips[condition].append(filmstrips.faded(frames, arrays[f"{kind}/{clip}/{condition}"]))
    said = [filmstrips.answer(classes, row.prediction, row.confidence, row.label) for row in rows.itertuples()]
    caption = (
        f"Test clip {rows['id'].iloc[0]}, {_named(classes, rows['label'].iloc[0])}: clear is where the evidence for that "
        "class lies, faded what does not count; time from left to right. A network that is misled looks elsewhere on the corrupted frames than on "
        "the clean ones."
    )
    headings = [*(["frames"] if len(runs) == 1 else []), *runs]
    draw = partial(filmstrips.saliency, strips=strips, headings=headings)
    table = rows.assign(answer=said).drop(columns=["clip", "kind"])
    return Exhibit(
        name, f"Where the networks look: {title}" if len(runs) > 1 else f"Where it looks: {title}", caption, table, draw
    )


def _named(classes: Sequence[str], number: int) -> str:
    return str(classes[number]) if 0 <= number < len(classes) else "of no known class"
