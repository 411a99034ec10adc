"""Corruption error: errors under corruption in units of a reference model's, which is always named.

E[c, s] is the top-1 error (share, 0..1) under corruption c at severity s. Source: Hendrycks and Dietterich 2019,
"Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (arXiv 1903.12261), section 4.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vidsparse.evaluation.metrics import (
    CLEAN,
    MismatchedTables,
    accuracy_matrix,
    clean_accuracy,
)

_NOTHING = 1e-9  # sums of shares nearer to 0 are 0 but for rounding
_SHIPPED = Path(__file__).parent / "reference"


@dataclass(frozen=True)
class ReferenceErrors:
    """What corruption errors are divided by: a model's clean error and its E[c, s], corruptions x severities."""

    name: str
    clean: float
    errors: pd.DataFrame


def errors_of(table: pd.DataFrame, name: str) -> ReferenceErrors:
    """The errors of any predictions table, to be the reference of others.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> errors_of(example_table(), "this run").errors.loc["fog"].tolist()
    [0.0, 0.5]
    """
    return ReferenceErrors(name, 1 - clean_accuracy(table), 1 - accuracy_matrix(table))


def load_reference(path: str | Path) -> ReferenceErrors:
    """Reference errors from a CSV with the columns corruption, severity, error (0..1) and one row `clean,0`.

    >>> load_reference(_SHIPPED / "imagenet_c_alexnet.csv").name
    'imagenet_c_alexnet'
    """
    rows = pd.read_csv(path)
    clean = rows["corruption"] == CLEAN
    matrix = rows[~clean].pivot(index="corruption", columns="severity", values="error")
    return ReferenceErrors(Path(path).stem, float(rows.loc[clean, "error"].iloc[0]), matrix)


def alexnet() -> ReferenceErrors:
    """AlexNet's errors on ImageNet-C (the 15 corruptions of the benchmark, 224 px): the normaliser of published mCEs.

    Rates per severity as its authors published them; their means over severities are those printed in table 1 of
    arXiv 1903.12261 (88.6 % under gaussian noise), as is the clean error, 43.5 %.

    >>> round(float(alexnet().errors.loc["gaussian_noise"].mean()), 6)
    0.886428
    """
    return load_reference(_SHIPPED / "imagenet_c_alexnet.csv")


def corruption_error(table: pd.DataFrame, reference: ReferenceErrors) -> pd.Series:
    """CE[c] = sum_s E[c, s] / sum_s E_ref[c, s], one value a corruption, in table order; NaN where the sum is 0.

    Raises MismatchedTables where the reference lacks a corruption or severity of the table.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> corruption_error(example_table(), ReferenceErrors("coin", 0.5, pd.DataFrame({1: {"fog": 0.5}, 2: 0.5})))["fog"]
    np.float64(0.5)
    """
    errors, theirs = _aligned(table, reference)
    return _ratio(errors.sum(axis=1), theirs.sum(axis=1))


def relative_corruption_error(table: pd.DataFrame, reference: ReferenceErrors) -> pd.Series:
    """Relative CE[c] = sum_s (E[c, s] - E_clean) / sum_s (E_ref[c, s] - E_ref,clean): how much is lost, not how bad.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> coin = ReferenceErrors("coin", 0.25, pd.DataFrame({1: {"fog": 0.5}, 2: 0.5}))
    >>> relative_corruption_error(example_table(), coin)["fog"]
    np.float64(1.0)
    """
    errors, theirs = _aligned(table, reference)
    lost = (errors - (1 - clean_accuracy(table))).sum(axis=1)
    return _ratio(lost, (theirs - reference.clean).sum(axis=1))


def mce(table: pd.DataFrame, reference: ReferenceErrors) -> float:
    """mCE = mean over corruptions of CE[c]; 1 for the reference itself (published tables print it times 100).

    >>> from vidsparse.evaluation.metrics import example_table
    >>> mce(example_table(), ReferenceErrors("coin", 0.5, pd.DataFrame({1: {"fog": 0.5}, 2: 0.5})))
    0.5
    """
    return float(corruption_error(table, reference).mean())


def relative_mce(table: pd.DataFrame, reference: ReferenceErrors) -> float:
    """Relative mCE = mean over corruptions of relative CE[c].

    >>> from vidsparse.evaluation.metrics import example_table
    >>> relative_mce(example_table(), ReferenceErrors("coin", 0.25, pd.DataFrame({1: {"fog": 0.5}, 2: 0.5})))
    1.0
    """
    return float(relative_corruption_error(table, reference).mean())


def _aligned(table: pd.DataFrame, reference: ReferenceErrors) -> tuple[pd.DataFrame, pd.DataFrame]:
    """E and E_ref, NaN in both where the table has no such cell."""
    errors = 1 - accuracy_matrix(table)
    theirs = reference.errors.reindex(index=errors.index, columns=errors.columns).astype(float)
    lacking = errors.notna() & theirs.isna()
    if lacking.to_numpy().any():
        at = np.argwhere(lacking.to_numpy())[0]
        raise MismatchedTables(
            f"the reference errors of {reference.name} have no {errors.index[at[0]]} at severity "
            f"{errors.columns[at[1]]}; take a reference that was evaluated on the same suite"
        )
    return errors, theirs.where(errors.notna())


def _ratio(ours: pd.Series, theirs: pd.Series) -> pd.Series:
    return ours / theirs.where(theirs.abs() > _NOTHING)
