"""What a comparison shows: exhibits of its arms, the verdict in words, what to be wary of."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import pandas as pd

from vidsparse.evaluation.comparison import power_note
from vidsparse.report.arms import Arm, control, gains_by_family
from vidsparse.report.figures import charts, panels
from vidsparse.report.figures.looks import Looks, looks_of
from vidsparse.report.run_numbers import scores_of, severity_table
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.words import AS_ONE_SEED_TELLS, relation, signed
from vidsparse.sparsity.methods import METHODS
from vidsparse.tasks import Words
from vidsparse.utils.errors import plural

T = TypeVar("T")
_BESIDE = 3  # arms whose bars stand in one figure
_LINES = 6  # lines of one figure


def of_arms(arms: Sequence[Arm], leaders: pd.DataFrame, chance: float, words: Words, looks: Looks) -> list[Exhibit]:
    """Every figure that these arms have the numbers for; none without corruption."""
    if leaders["robust"].isna().all():
        return []
    return [
        *_gains(arms, leaders, words, looks),
        *_sparsities(leaders, words),
        *_severities(arms, chance, words, looks),
        *_scatter(leaders, words, looks),
    ]


def _whiskers(words: Words) -> str:
    return f"Whiskers: 95 % over seeds and {words.recordings}"


def power(arms: Sequence[Arm]) -> dict[str, float | str]:
    """What differences these seeds can show; see `comparison.power_note`."""
    return power_note([arm.tables for arm in arms])


def _gains(arms: Sequence[Arm], leaders: pd.DataFrame, words: Words, looks: Looks) -> list[Exhibit]:
    shown = leaders[leaders["gain"].notna()]
    if shown.empty:
        return []
    detectable = float(power(arms)["detectable"])
    caption = (
        "An interval that crosses zero does not settle the question. Dynamic training is worth its name where it also "
        "beats the static network of the same sparsity."
    )
    draw = partial(panels.gain_forest, detectable=detectable, words=words, looks=looks)
    found = [Exhibit("gain_overall", "Gain in robustness, over dense and over static", caption, shown, draw)]
    single, whole = gains_by_family(arms)
    said = (
        f"Right of zero: {words.better_than_dense} under these corruptions. {_whiskers(words)}, not corrected for many."
    )
    for number, labels in enumerate(_chunks(list(single["arm"].unique()), _BESIDE)):
        name = f"_{number + 1}" if number else ""
        part = whole[whole["arm"].isin(labels)]
        found.append(
            Exhibit(
                f"gain_family{name}",
                "Gain by family of corruptions",
                said,
                part,
                partial(panels.family_gains, looks=looks),
            )
        )
        part = single[single["arm"].isin(labels)]
        title = "Gain over dense training by corruption"
        found.append(Exhibit(f"gain{name}", title, said, part, partial(panels.corruption_gains, looks=looks)))
    return found


def _sparsities(leaders: pd.DataFrame, words: Words) -> list[Exhibit]:
    found = []
    for number, (model, part) in enumerate(leaders.groupby("model", sort=False)):
        if part.loc[part["sparsity"] > 0, "sparsity"].nunique() < 2:
            continue
        growth = {name: _growth(name) for name in part["method"].unique() if name in METHODS and _growth(name)}
        caption = (
            "Curves above the band are more robust than dense training at that sparsity. Static sparse training stands "
            f"in every panel as the control. {_whiskers(words)}."
        )
        table = part.assign(title=[_title(method) for method in part["method"]])
        of_methods = looks_of({method: method for method in part["method"].unique()})
        draw = partial(panels.sparsity_curves, growth=growth, words=words, looks=of_methods)
        several = f", {model}" if leaders["model"].nunique() > 1 else ""
        name = f"sparsity_{number + 1}" if number else "sparsity"
        found.append(Exhibit(name, f"Robustness against sparsity{several}", caption, table, draw))
    return found


def _severities(arms: Sequence[Arm], chance: float, words: Words, looks: Looks) -> list[Exhibit]:
    dense = [arm for arm in arms if arm.first.method == "dense"]
    others = [arm for arm in arms if arm not in dense[:1]]
    mean = {arm.label: _mean_severity(arm) for arm in arms}
    found = []
    for number, part in enumerate(_chunks(others or dense, _LINES)):
        shown = [*dense[:1], *(arm for arm in part if arm not in dense[:1])]
        table = pd.DataFrame({arm.label: mean[arm.label] for arm in shown})
        of_shown = {arm.label: looks[arm.label] for arm in shown}
        draw = partial(charts.severity_curves, looks=of_shown, chance=chance, words=words)
        caption = (
            "Mean over corruptions and seeds. Lines that start together and part are equally good without corruption "
            "and differ in robustness."
        )
        name = f"severity_curves_{number + 1}" if number else "severity_curves"
        found.append(Exhibit(name, f"{words.score_title} as corruption grows", caption, table, draw))
    return found


def _scatter(leaders: pd.DataFrame, words: Words, looks: Looks) -> list[Exhibit]:
    caption = (
        f"Up and right is better. Marks above the dotted line keep a larger share of their clean {words.score} than "
        f"dense training does. Larger marks are sparser. {_whiskers(words)}."
    )
    table = leaders.assign(title=[_title(method) for method in leaders["method"]])
    title = f"Robust against clean {words.score}"
    draw = partial(panels.robust_against_clean, words=words, looks=looks)
    found = [Exhibit("robust_clean", title, caption, table, draw)]
    if leaders["ece_corrupted"].notna().any():
        caption = (
            f"How far confidence is from {words.score}: left is better; open marks are clean, filled ones corrupted. "
            "The longer the line, the more the model is sure of itself when it should not be. 15 bins; each cell of "
            "the corrupted mean is a data set of its own."
        )
        table = leaders[["arm", "ece_clean", "ece_corrupted"]]
        found.append(Exhibit("calibration", "Calibration", caption, table, partial(panels.calibration, looks=looks)))
    return found


def headline(leaders: pd.DataFrame) -> str:
    """The verdict in a few words, to stand over the page: what cannot be told and what is at chance is said here.

    Arms count as more or less robust by their p corrected for the number of arms (Holm); those at chance do not count.
    """
    shown, dynamic = _answering(leaders), leaders[leaders["dynamic"] & leaders["gain"].notna()]
    if leaders["at_chance"].all():
        return "At chance: none of these arms answers better than guessing"
    if dynamic.empty:
        return f"{plural(len(leaders), 'arm')} compared, none of them dynamic sparse training beside dense"
    if shown.empty:
        which = "no arm with dynamic sparse training" if dynamic["at_chance"].all() else "no dense training beside it"
        return f"At chance: {which} answers better than guessing"
    sure = shown[shown["gain_p_holm"] < 0.05]
    more, less = int((sure["gain"] > 0).sum()), int((sure["gain"] < 0).sum())
    left_out = len(dynamic) - len(shown)
    beside = f"; {plural(left_out, 'arm')} at chance {_is(left_out)} left out" if left_out else ""
    if not more + less:
        return f"Dynamic sparse training cannot be told from dense training here{beside}"
    of = f"of {plural(len(shown), 'arm')} with dynamic sparse training"
    told = [f"{count} {_is(count)} {how} robust" for count, how in ((more, "more"), (less, "less")) if count]
    open_ = len(shown) - more - less
    rest = f", {open_} cannot be told from it" if open_ else ""
    return f"{of.capitalize()}, {' and '.join(told)} than dense training{_by_one_seed(sure)}{rest}{beside}"


def _by_one_seed(sure: pd.DataFrame) -> str:
    """What is to be said of arms that differ beyond their interval over samples, where one seed does not part them."""
    single = int((sure["seeds"] < 2).sum())
    if not single:
        return ""
    return AS_ONE_SEED_TELLS if single == len(sure) else f" ({single} of them as far as one seed tells)"


def _answering(leaders: pd.DataFrame) -> pd.DataFrame:
    """Dynamic arms with a gain that means something: neither they nor dense training of their network is at chance."""
    answers = ~leaders["at_chance"].astype(bool) & ~leaders["model"].isin(_dense_at_chance(leaders))
    return leaders[leaders["dynamic"].astype(bool) & leaders["gain"].notna() & answers]


def _dense_at_chance(leaders: pd.DataFrame) -> list[str]:
    """The networks whose dense training is at chance."""
    dense = leaders["method"].eq("dense") & leaders["gain"].isna()
    return list(leaders.loc[dense & leaders["at_chance"].astype(bool), "model"])


def overall_verdict(leaders: pd.DataFrame) -> str:
    """The answer of the whole comparison to whether dynamic sparse training is more robust than dense, in words.

    Arms at chance are left out, as are those whose dense training is.
    """
    shown = _answering(leaders)
    if shown.empty:
        return ""
    sure = shown[(shown["gain_low"] > 0) | (shown["gain_high"] < 0)]
    more, less = int((sure["gain"] > 0).sum()), int((sure["gain"] < 0).sum())
    held = sure[sure["gain_p_holm"] < 0.05]
    tested = int(leaders["gain_p"].notna().sum())
    corrected = f" after Holm's correction for {plural(tested, 'comparison')})"
    of_more = f" ({(held['gain'] > 0).sum()}{corrected}" if more else ""
    of_less = f" ({(held['gain'] < 0).sum()}{corrected}" if less else ""
    open_ = len(shown) - more - less
    return (
        f"Of {plural(len(shown), 'arm')} with dynamic sparse training, {more} {_is(more)} more robust than dense "
        f"training beyond the 95 % interval{of_more}, {less} {_is(less)} less robust{of_less}{_by_one_seed(sure)}, "
        f"{open_} {_is(open_)} not settled{_beside_static(shown)}."
    )


def _beside_static(shown: pd.DataFrame) -> str:
    beside = shown[shown["static_gain"].notna()]
    if beside.empty:
        return ", and no static network of the same sparsity stands beside them"
    more, less = int((beside["static_gain_low"] > 0).sum()), int((beside["static_gain_high"] < 0).sum())
    return f"; {more} {_is(more)} more and {less} {_is(less)} less robust than the static network of the same sparsity"


def sentences(leaders: pd.DataFrame, words: Words) -> list[str]:
    """What was found of each arm that has a dense control; `leaders` is the leaderboard."""
    compared, failed = leaders[leaders["gain"].notna()].to_dict("records"), _dense_at_chance(leaders)
    return [
        f"{row['arm']} is compared with nothing: dense training of {row['model']} is at {words.chance}."
        if row["model"] in failed and not row["at_chance"]
        else sentence(row, row["arm"], words)
        for row in compared
    ]


def sentence(row: Mapping[Any, Any], label: str, words: Words) -> str:
    """What was found of one arm against dense training, with its interval.

    `row` is of the leaderboard.
    """
    if row["at_chance"]:
        return f"{label} is at chance: its clean {words.score} is not above guessing, and its gain means nothing."
    gain, low, high = row["gain"], row["gain_low"], row["gain_high"]
    stands = relation(gain, low, high)
    over = words.recordings if row["seeds"] < 2 else f"{words.recordings} and {row['seeds']:.0f} seeds"
    settled = "includes zero" if low <= 0 <= high else "excludes zero"
    between = (
        f"one {words.recordings.removesuffix('s')} and one seed give no interval"
        if math.isnan(low)
        else f"the 95 % interval over {over}, {signed(low)} to {signed(high)}, {settled}"
    )
    ties = f", ties in {row['ties']:.0f}" if row["ties"] else ""
    corruptions = row["wins"] + row["ties"] + row["losses"]
    return (
        f"{label} {stands} dense training: {signed(gain)} points of {words.robust}, "
        f"winning {row['wins']:.0f} of {corruptions:.0f} corruptions{ties}; {between}."
    )


def cautions(arms: Sequence[Arm]) -> list[str]:
    """What is missing from the comparison to answer its question, one sentence each."""
    found = []
    bare = [arm.label for arm in arms if arm.dynamic and control(arm, arms, "static") is None]
    unpaired = [arm.label for arm in arms if (d := control(arm, arms, "dense")) and not set(arm.runs) & set(d.runs)]
    single = [arm.label for arm in arms if len(arm.runs) < 2]
    if bare:
        found.append(f"No static control of the same sparsity and network stands beside {_listed(bare)}.")
    if unpaired:
        found.append(f"{_listed(unpaired)}: no seed in common with the dense runs, paired in the order of seeds.")
    if single:
        found.append(f"One seed only of {_listed(single)}: the interval does not hold what another seed would change.")
    return found + _masks_differ(arms)


def _masks_differ(arms: Sequence[Arm]) -> list[str]:
    """A sentence where arms of one network and sparsity have masks in different layers: rows compare that too."""
    places: dict[tuple[str, float], dict[str, list[str]]] = {}
    for arm in arms:
        layers = arm.first.record.topology.coverage
        if arm.sparsity and layers:
            where = f"{layers.masked_layers} of {layers.layers} layers ({100 * layers.share:.0f} % of the weights)"
            places.setdefault((arm.model, arm.sparsity), {}).setdefault(where, []).append(arm.label)
    return [
        f"{model} at {100 * sparsity:g} %: masks lie in "
        + "; ".join(f"{where} for {_listed(labels)}" for where, labels in by_place.items())
        + ". Differences between these arms are also differences of where sparsity is."
        for (model, sparsity), by_place in places.items()
        if len(by_place) > 1
    ]


def _listed(labels: Sequence[str], shown: int = 6) -> str:
    more = f" and {len(labels) - shown} more" if len(labels) > shown else ""
    return "; ".join(labels[:shown]) + more


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _mean_severity(arm: Arm) -> pd.Series:
    return pd.concat([severity_table(scores_of(table))["mean"] for table in arm.tables.values()], axis=1).mean(axis=1)


def _growth(method: str) -> str:
    grow = METHODS[method].grow
    return "" if grow is None else "random growth" if grow.name == "random" else "gradient growth"


def _title(method: str) -> str:
    short = {"dense": "dense", "static": "static"}
    return short.get(method, METHODS[method].title if method in METHODS else method)


def _chunks(items: Sequence[T], size: int) -> list[list[T]]:
    return [list(items[at : at + size]) for at in range(0, len(items), size)]
