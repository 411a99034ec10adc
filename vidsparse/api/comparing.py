"""Results beside each other: gains paired clip by clip, with intervals over recordings."""

from collections.abc import Mapping, Sequence

import pandas as pd

from vidsparse.api.result import Result, load_run
from vidsparse.evaluation.statistics import holm
from vidsparse.utils.errors import ConfigError

_KEPT = ("clips", "clean", "clean_low", "clean_high", "robust", "robust_low", "robust_high", "retention")
_GAINS = ("gain", "gain_low", "gain_high", "gain_p", "relative_gain", "clean_gain", "wins", "ties", "losses")


def compare(
    results: Sequence[Result | str] | Mapping[str, Result | str], reference: str | None = None, common: bool = False
) -> pd.DataFrame:
    """One row a result, the most robust first: its numbers, and its gain over a reference with intervals.

    Args:
        results: results or folders of runs; a mapping gives them names, else they have those of their networks.
        reference: the name of the one that gains are measured against; by default the first.
        common: compare on the clips and conditions that both have, and say so in the column `note`.

    Returns:
        Columns: name (index), clips, clean and robust with 95 % intervals (clean_low, ...), retention, then gain,
        gain_low, gain_high, gain_p, gain_p_holm (corrected for being so many), relative_gain, clean_gain, wins, ties,
        losses, note. Accuracies and gains are shares; intervals are over recordings.

    Raises:
        MismatchedTables: two hold different clips or conditions, and `common` is not said.
        ConfigError: no result, a name that stands twice, or a reference that is none of them.
    """
    held = [each if isinstance(each, Result) else load_run(each)
            for each in (results.values() if isinstance(results, Mapping) else results)]  # fmt: skip
    names = list(results) if isinstance(results, Mapping) else _names([each.name for each in held])
    if not held:
        raise ConfigError("compare: there is no result to compare")
    if reference is not None and reference not in names:
        raise ConfigError(f"compare: reference={reference!r} is none of {', '.join(names)}")
    place = 0 if reference is None else names.index(reference)
    rows = []
    for number, result in enumerate(held):
        row: dict[str, object] = {key: result.numbers[key] for key in _KEPT}
        if number != place:
            found = result.compare(held[place], common)
            row |= {"gain": found.gain, "gain_low": found.low, "gain_high": found.high, "gain_p": found.p}
            row |= {key: getattr(found, key) for key in _GAINS[4:]} | {"note": "; ".join(found.notes)}
        rows.append(row)
    columns = [*_KEPT, *_GAINS[:4], "gain_p_holm", *_GAINS[4:], "note"]
    table = pd.DataFrame(rows, index=pd.Index(names, name="name")).reindex(columns=columns)
    tested = table["gain_p"].notna()
    table.loc[tested, "gain_p_holm"] = holm(table.loc[tested, "gain_p"])
    return table.assign(note=table["note"].fillna("")).sort_values("robust", ascending=False, kind="stable")


def _names(given: Sequence[str]) -> list[str]:
    """Each name once: a second one of the same gets a number."""
    made: list[str] = []
    for name in given:
        again = sum(each == name or each.startswith(f"{name} (") for each in made)
        made.append(f"{name} ({again + 1})" if again else name)
    return made
