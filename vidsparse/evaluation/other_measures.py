"""What other papers measure robustness by: pure functions of the predictions table of `metrics`.

Sources: mPC and rPC, "Benchmarking Robustness in Object Detection" (arXiv 1907.07484, section 3); γ_a and γ_r, "A
Large-scale Robustness Analysis of Video Action Recognition Models" (arXiv 2207.01398, section 3).
"""

import math

import pandas as pd

from vidsparse.evaluation.metrics import accuracy_matrix, clean_accuracy, per_corruption


def mpc(table: pd.DataFrame) -> float:
    """Mean performance under corruption, 1/|C| sum_c 1/|S_c| sum_s A[c, s] (arXiv 1907.07484, equation 1).

    Equal to the robustness accuracy where every corruption has the same severities.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> mpc(example_table())
    0.75
    """
    return float(per_corruption(table).mean())


def rpc(table: pd.DataFrame) -> float:
    """Relative performance under corruption, rPC = mPC / A_clean (arXiv 1907.07484, equation 2): by the model's own
    clean accuracy.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> rpc(example_table())
    0.75
    """
    clean = clean_accuracy(table)
    return mpc(table) / clean if clean > 0 else math.nan


def gamma_a(table: pd.DataFrame) -> pd.DataFrame:
    """Absolute robustness γ_a[c, s] = 1 - (A_clean - A[c, s]), accuracies as shares (arXiv 2207.01398): no normaliser.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> gamma_a(example_table()).loc["fog"].tolist()
    [1.0, 0.5]
    """
    return 1 - (clean_accuracy(table) - accuracy_matrix(table))


def gamma_r(table: pd.DataFrame) -> pd.DataFrame:
    """Relative robustness γ_r[c, s] = 1 - (A_clean - A[c, s]) / A_clean (arXiv 2207.01398): by the model's own clean
    accuracy; NaN where that is 0.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> gamma_r(example_table()).loc["fog"].tolist()
    [1.0, 0.5]
    """
    clean = clean_accuracy(table)
    return 1 - (clean - accuracy_matrix(table)) / (clean if clean > 0 else math.nan)
