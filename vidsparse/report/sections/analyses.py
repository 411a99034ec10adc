"""Exhibits of run/analysis/: frequencies, weights and saliency of a run, or of several beside the dense one."""

from functools import partial

from corruptions import REGISTRY
from vidsparse.analysis.curves import attenuation_curves, fourier_errors
from vidsparse.report.figures import frequencies
from vidsparse.report.figures.looks import Looks
from vidsparse.report.sections import layer_structure, saliency_figures
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.sections.run_groups import Subjects, Tables, drawn, joined, load_tables, some_arms
from vidsparse.tasks import Words

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

OF_WEIGHTS = ("Dispersion of channels",)  # which of these ask nothing of a network's answers


def of_analyses(subjects: Subjects, dense: str | None, chance: float, looks: Looks) -> list[Exhibit]:
    """Every figure that these runs have the tables for; pictures of clips only where all of them allow it."""
    words = next(iter(subjects.values()))[0].words
    tables = load_tables(subjects)
    found = [
        *_attenuation(tables.attenuation, looks, chance, words),
        *_fourier(tables.fourier, words),
        *_filters(tables.filter_spectra, looks),
        *_spectra(tables.corruption_spectra),
        *layer_structure.kernels(subjects, tables.spatial, dense),
        *layer_structure.channels(tables.spatial, looks),
        *layer_structure.over_training(subjects, looks),
    ]
    if all(run.shows_frames for runs in subjects.values() for run in runs):
        found += saliency_figures.saliency(subjects)
    return found


def _attenuation(answers: Tables, looks: Looks, chance: float, words: Words) -> list[Exhibit]:
    if not answers:
        return []
    whole = joined({label: attenuation_curves(table) for label, table in answers.items()})
    arms, more = drawn(whole)
    clips = next(iter(answers.values()))["id"].nunique()
    band = f" {clips} {words.clips}."
    if len(arms) <= frequencies.BANDS:
        band = f" Bands: 95 % over {words.recordings},{band}"
    told = {
        "space": ("Accuracy without low or high spatial frequencies", "radius r",
                  "A curve that stays up longer does without what was removed. The paper finds that sparse training "
                  "leans on low frequencies: below dense in the upper panel, above it in the lower one."),
        "time": ("Accuracy without slow or fast motion", "radius r along time",
                 "High frequencies along time removed leave slow change, at the last radius a still mean frame; low "
                 "ones removed leave motion without its scene. A flat curve is a network that does without motion."),
    }  # fmt: skip
    found = []
    for axis, (title, radius, caption) in told.items():
        table = whole[(whole["axis"] == axis) | (whole["side"] == "none")]
        if (table["axis"] == axis).any() and set(table["side"]) != {"none"}:
            draw = partial(
                some_arms, arms=arms, draw=partial(frequencies.attenuation, radius=radius, looks=looks, chance=chance)
            )
            found.append(Exhibit(f"attenuation_{axis}", title, caption + band + more, table.drop(columns="axis"), draw))
    return found


def _fourier(answers: Tables, words: Words) -> list[Exhibit]:
    if not answers:
        return []
    maps = {
        label: fourier_errors(table).reset_index().melt("v", value_name="error").astype({"u": int})
        for label, table in answers.items()
    }
    shown = list(maps)[:2]
    clips = next(iter(answers.values()))["id"].nunique()
    caption = (
        "Dark: waves of that frequency make the network err. The middle is a change of brightness, the border the "
        f"finest pattern shown. {clips} {words.clips}; the scale spans at least what so many resolve."
    )
    if len(shown) == 2:
        caption += (
            " Difference: the second minus the first; orange waves hurt the second network more, blue "
            "ones less; a plus marks those beyond what so many resolve, pale ones are noise."
        )
    draw = partial(some_arms, arms=shown, draw=partial(frequencies.fourier, clips=clips))
    return [
        Exhibit("fourier", "Sensitivity to single frequencies", caption, joined(maps)[["arm", "v", "u", "error"]], draw)
    ]


def _filters(spectra: Tables, looks: Looks) -> list[Exhibit]:
    tables = {label: table.groupby(["axis", "frequency"], sort=False)["power"].mean().reset_index()
              for label, table in spectra.items()}  # fmt: skip
    if not tables:
        return []
    whole = joined(tables)[["arm", "axis", "frequency", "power"]]
    arms, more = drawn(whole)
    caption = (
        "Mean spectrum of the first layer's filters, each of unit energy. Power on the left: filters that average; on "
        f"the right: filters that look for fine detail and noise.{more}"
    )
    draw = partial(some_arms, arms=arms, draw=partial(frequencies.filter_spectra, looks=looks))
    return [Exhibit("filter_spectra", "What the first filters listen to", caption, whole, draw)]


def _spectra(tables: Tables) -> list[Exhibit]:
    """Of the data, so that one run's are everybody's."""
    table = next(iter(tables.values()), None)
    if table is None or set(table["corruption"]) == {"clean"}:
        return []
    caption = (
        "Power of corrupted minus clean clips, the dashed line that of clean ones. A corruption above it drowns the "
        "clip at that frequency; flat lines are noise, falling ones blur or weather. The constant part is left out."
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
