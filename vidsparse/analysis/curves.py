"""Curves and maps of what an analysis predicted: from its tables alone, without torch."""

import pandas as pd

from vidsparse.evaluation.metrics import is_right
from vidsparse.evaluation.statistics import share_interval


def attenuation_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, its 95 % interval over recordings and n by (axis, side, radius); radius 0 is clean.

    The paper's curves C_low and C_high (arXiv 2410.03030, equations 1 and 2). `table` is that of `spectral.predict`,
    or of several runs one after the other: recordings stay the unit of the interval.

    >>> rows = {"axis": ["space"] * 2, "side": ["low"] * 2, "radius": [4, 4], "label": [0, 1], "prediction": [0, 0]}
    >>> curves = attenuation_curves(pd.DataFrame(rows).assign(group=["a", "b"]))
    >>> curves[["side", "radius", "accuracy", "n"]].to_dict("records")
    [{'side': 'low', 'radius': 4, 'accuracy': 0.5, 'n': 2}]
    """
    rows = []
    right = table.assign(right=is_right(table))
    for (axis, side, radius), part in right.groupby(["axis", "side", "radius"], sort=False):
        low, high = share_interval(part["right"], part["group"])
        found = {"accuracy": part["right"].mean(), "low": low, "high": high, "n": len(part)}
        rows.append({"axis": axis, "side": side, "radius": radius, **found})
    return pd.DataFrame(rows)


def fourier_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Error by frequency, a full square matrix, rows v and columns u ascending, 0 the constant in the middle.

    The Fourier heat map of Yin et al. 2019 (arXiv 1906.08988), figure 2: dark where a wave of that frequency hurts.
    """
    wrong = (table["label"] != table["prediction"]).groupby([table["v"], table["u"]]).mean()
    whole = pd.concat([wrong, wrong.rename(index=lambda k: -k)])
    return whole[~whole.index.duplicated()].unstack().sort_index().sort_index(axis=1)
