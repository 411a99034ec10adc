"""What a report says in words: numbers as text, the verdict, how numbers are defined."""

import math
from collections.abc import Mapping, Sequence

from vidsparse.report.tables import Run
from vidsparse.tasks import Words
from vidsparse.utils.errors import plural

UNTOLD = "cannot be told from"
AS_ONE_SEED_TELLS = ", as far as one seed tells"  # behind what an interval over samples settles
ACCURACY = (
    (
        "Clean accuracy",
        "A_clean = right / clips",
        "Top-1, one prediction a video (mean over its views). A clip that cannot be decoded counts as wrong. "
        "Interval: Wilson score, 95 %, at the effective number of clips: those of one recording are not independent; "
        "images are clips of one frame, each a recording of its own.",
        "Wilson 1927, “Probable Inference, the Law of Succession, and Statistical Inference”",
    ),
    (
        "Robustness accuracy",
        "R = 1 / (|C| |S|) · Σ_c Σ_s A(c, s)",
        "Mean accuracy over all corruptions c and severities s; called mPC elsewhere. "
        "Interval: bootstrap over recordings, 95 %, each clip with its share of cells answered right.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, section 4",
    ),
    (
        "Retention",
        "R / A_clean",
        "Share of the clean accuracy that survives corruption; called rPC elsewhere.",
        "“Benchmarking Robustness in Object Detection”, arXiv 1907.07484",
    ),
    (
        "Gain and relative gain",
        "A_a − A_d,   (A_a − A_d) / A_d",
        "Of a run (a) over the dense reference (d), in points and as a share of the reference, for a corruption and "
        "severity or of the robustness accuracies. Interval: normal, 95 %, over paired clips. A corruption is won "
        "where its mean over severities is higher.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, footnote 2",
    ),
)
SPARSITY = (
    (
        "Sparsity and density",
        "density = non-zero / total = 1 − sparsity",
        "Counted over the weights that the method may prune; norms and biases stay dense.",
        "“Rigging the Lottery”, arXiv 1911.11134",
    ),
)

CALIBRATION = (
    (
        "Expected calibration error (ECE)",
        "Σ_b n_b / n · |A_b − confidence_b|",
        "Over 15 equal bins b of confidence, 0 to 1; corrupted: of each cell, then their mean; means over seeds. "
        "Interval: 95 %, bootstrap over recordings with its bias taken off, for chance raises the ECE; 0 below where a "
        "calibrated network would look as bad.",
        "“On Calibration of Modern Neural Networks”, arXiv 1706.04599",
    ),
)


def percent(share: float) -> str:
    """0.413 as "41.3"; an undefined number as a dash."""
    return "–" if math.isnan(share) else f"{100 * share:.1f}"


def signed(share: float) -> str:
    """0.021 as "+2.1", with a true minus sign; what rounds to zero without a sign; an undefined number as a dash."""
    if math.isnan(share) or not round(100 * share, 1):
        return "–" if math.isnan(share) else "0.0"
    return f"{100 * share:+.1f}".replace("-", "−")


def count(number: float) -> str:
    """12345 as "12,345"."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """3725 as "1 h 2 min", 95 as "1 min 35 s"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def verdict(run: Run, numbers: Mapping[str, float], reference: Run | None = None) -> str:
    """The result in one sentence, in the words of the run's task; `numbers` is `summary`, over `reference` if any.

    A network whose clean accuracy is not above chance is told so first, and no success is made of what it keeps; nor of
    a gain over a reference that is at chance itself.
    """
    words, clean = run.words, percent(numbers["clean"])
    opening, compares = _at_chance(run, numbers), "gain" in numbers
    if reference is not None and reference_at_chance(numbers, reference):
        opening, compares = opening + _nothing_to_gain_over(numbers, reference), False
    if not numbers["corruptions"]:
        return f"{opening}{_opening(run)} reaches {clean} % clean {words.score}; no corruption was evaluated."
    if compares:
        return opening + _against_dense(run, numbers)
    low, high = numbers["retention_low"], numbers["retention_high"]
    between = "" if math.isnan(low) else f" (95 % interval {percent(low)} to {percent(high)})"
    survives = f": {percent(numbers['retention'])} % of the clean {words.score} survives{between}"
    kept = "" if is_at_chance(run, numbers) else survives
    robust = f"{percent(numbers['robust'])} % {words.robust}"
    return f"{opening}{_opening(run)} reaches {clean} % clean and {robust} over {_cells(numbers)}{kept}."


def headline(run: Run, numbers: Mapping[str, float], reference: Run | None = None) -> str:
    """The verdict in a few words, to stand over the page: what cannot be told and what is at chance is said here."""
    opening, words = _opening(run), run.words
    if is_at_chance(run, numbers):
        said = f"{opening[0].lower()}{opening[1:]}" if run.on_sample_data else opening
        return f"At chance: {said} answers no better than {words.guessing}"
    if not numbers["corruptions"]:
        return f"{opening} reaches {percent(numbers['clean'])} % clean {words.score}"
    if reference is not None and reference_at_chance(numbers, reference):
        return f"{opening} cannot be compared: its dense reference answers no better than {words.guessing}"
    if "gain" in numbers:
        stands = relation(numbers["gain"], numbers["gain_low"], numbers["gain_high"])
        return f"{opening} {stands} dense training{'' if stands == UNTOLD else AS_ONE_SEED_TELLS}"
    return f"{opening} keeps {percent(numbers['retention'])} % of its clean {words.score} under corruption"


def is_at_chance(run: Run, numbers: Mapping[str, float]) -> bool:
    """Whether the interval of the clean accuracy reaches down to what guessing gives."""
    return bool(numbers["clean_low"] <= run.floor)


def reference_at_chance(numbers: Mapping[str, float], reference: Run) -> bool:
    """Whether the dense reference of `numbers` guesses, so that a gain over it means nothing."""
    return bool(numbers["reference_clean_low"] <= reference.floor)


def _at_chance(run: Run, numbers: Mapping[str, float]) -> str:
    if not is_at_chance(run, numbers):
        return ""
    return f"AT CHANCE: the clean {_not_above_floor(run, numbers['clean_low'], numbers['clean_high'])}. "


def _nothing_to_gain_over(numbers: Mapping[str, float], reference: Run) -> str:
    said = _not_above_floor(reference, numbers["reference_clean_low"], numbers["reference_clean_high"])
    return f"DENSE REFERENCE AT CHANCE: its clean {said}, and a gain over it would mean nothing. "


def _not_above_floor(run: Run, low: float, high: float) -> str:
    what = run.words.chance if run.floor == run.record.chance else "the commonest class everywhere"
    return f"{run.words.score}, {percent(low)} to {percent(high)} %, is not above {percent(run.floor)} %, {what}"


def _against_dense(run: Run, numbers: Mapping[str, float]) -> str:
    relative, gain = numbers["relative_gain"], signed(numbers["gain"])
    in_all = "" if math.isnan(relative) else f", {signed(relative)} % relative"
    ties = f", ties in {numbers['ties']}" if numbers["ties"] else ""
    comparison = relation(numbers["gain"], numbers["gain_low"], numbers["gain_high"])
    robust, dense = percent(numbers["robust"]), percent(numbers["reference_robust"])
    return (
        f"{_opening(run)} {comparison} dense training: {gain} points of {run.words.robust} ({robust} % against "
        f"{dense} %{in_all}), winning {numbers['wins']} of {numbers['corruptions']} corruptions{ties}; "
        f"{_resolution(numbers, run.words.recordings)}."
    )


def relation(gain: float, low: float, high: float) -> str:
    """How an arm stands to another whose gain and interval these are; nothing is claimed that is not settled.

    Without an interval (a bound is NaN) nothing is.
    """
    if not (low > 0 or high < 0) or math.isnan(low + high):
        return UNTOLD
    return "is as robust as" if round(gain, 4) == 0 else "is more robust than" if gain > 0 else "is less robust than"


def calibration(numbers: Mapping[str, float], words: Words) -> str:
    """The calibration error in one sentence, with its intervals where there are any; "" without confidences.

    >>> calibration({"ece_clean": 0.1, "ece_clean_low": 0.05, "ece_clean_high": 0.2}, Words())
    'Confidence is off by 10.0 points (95 % 5.0 to 20.0) of accuracy without corruption: expected calibration error.'
    """
    cells = {"ece_clean": "without corruption", "ece_corrupted": "under corruption"}
    told = {name: where for name, where in cells.items() if not math.isnan(numbers.get(name, math.nan))}
    if not told:
        return ""
    parts = [f"{_points(numbers, name)} of {words.score} {where}" for name, where in told.items()]
    return f"Confidence is off by {' and by '.join(parts)}: expected calibration error."


def _points(numbers: Mapping[str, float], name: str) -> str:
    low, high = (numbers.get(f"{name}_{end}", math.nan) for end in ("low", "high"))
    between = "" if math.isnan(low) else f" (95 % {percent(low)} to {percent(high)})"
    return f"{percent(numbers[name])} points{between}"


def _resolution(numbers: Mapping[str, float], recordings: str) -> str:
    low, high = numbers["gain_low"], numbers["gain_high"]
    if math.isnan(low):
        return f"one {recordings.removesuffix('s')} gives no interval"
    includes = "includes zero, so this test set does not settle it" if low <= 0 <= high else "excludes zero"
    return f"the 95 % interval over {recordings}, {signed(low)} to {signed(high)}, {includes}"


def _opening(run: Run) -> str:
    label = run.label[0].upper() + run.label[1:]
    return f"On built-in sample data, {run.label}" if run.on_sample_data else label


def _cells(numbers: Mapping[str, float]) -> str:
    severities = "one severity" if numbers["severities"] == 1 else f"{numbers['severities']} severities"
    return f"{plural(int(numbers['corruptions']), 'corruption')} at {severities}"


def some(names: Sequence[str], more: int = 0, shown: int = 5) -> str:
    """The first `shown` of these names, and how many more there are, `more` unnamed ones among them."""
    more += max(len(names) - shown, 0)
    return ", ".join(names[:shown]) + (f" and {count(more)} more" if more else "")
