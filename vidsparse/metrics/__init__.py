"""The metrics, public: functions of a predictions table (`Result.table`), with formula, range and source in each.

>>> from vidsparse import metrics
>>> table = metrics.example_table()
>>> metrics.clean_accuracy(table), metrics.robustness_accuracy(table), metrics.mpc(table)
(1.0, 0.75, 0.75)
"""

from vidsparse.evaluation.calibration import ece, ece_clean, ece_corrupted, ece_interval, ece_matrix, reliability
from vidsparse.evaluation.corruption_error import (
    ReferenceErrors,
    alexnet,
    corruption_error,
    errors_of,
    load_reference,
    mce,
    relative_corruption_error,
    relative_mce,
)
from vidsparse.evaluation.detection import (
    Detection,
    auroc,
    detection,
    energy,
    false_positive_rate,
    max_softmax,
)
from vidsparse.evaluation.effective import Baseline, NoBaseline, effective_robustness, fit_baseline
from vidsparse.evaluation.metrics import (
    MismatchedTables,
    UndecidableAnswers,
    accuracy,
    accuracy_matrix,
    check_comparable,
    clean_accuracy,
    clip_scores,
    example_table,
    is_right,
    per_corruption,
    per_severity,
    relative_gain,
    retention,
    robustness_accuracy,
    top5_accuracy,
    video_level,
)
from vidsparse.evaluation.other_measures import gamma_a, gamma_r, mpc, rpc
from vidsparse.evaluation.predictions import load as load_table
from vidsparse.evaluation.statistics import (
    Interval,
    detectable_difference,
    grouped_bootstrap,
    holm,
    mean_interval,
    pooled_sd,
    ranged_interval,
    share_interval,
    sign_test,
    wilson_interval,
)
from vidsparse.evaluation.summary import clean_interval, retention_interval, summary
from vidsparse.evaluation.views import view_accuracy

__all__ = [
    "Baseline",
    "Detection",
    "Interval",
    "MismatchedTables",
    "NoBaseline",
    "ReferenceErrors",
    "UndecidableAnswers",
    "accuracy",
    "accuracy_matrix",
    "alexnet",
    "auroc",
    "check_comparable",
    "clean_accuracy",
    "clean_interval",
    "clip_scores",
    "corruption_error",
    "detectable_difference",
    "detection",
    "ece",
    "ece_clean",
    "ece_corrupted",
    "ece_interval",
    "ece_matrix",
    "effective_robustness",
    "energy",
    "errors_of",
    "example_table",
    "false_positive_rate",
    "fit_baseline",
    "gamma_a",
    "gamma_r",
    "grouped_bootstrap",
    "holm",
    "is_right",
    "load_reference",
    "load_table",
    "max_softmax",
    "mce",
    "mean_interval",
    "mpc",
    "per_corruption",
    "per_severity",
    "pooled_sd",
    "ranged_interval",
    "relative_corruption_error",
    "relative_gain",
    "relative_mce",
    "reliability",
    "retention",
    "retention_interval",
    "robustness_accuracy",
    "rpc",
    "share_interval",
    "sign_test",
    "summary",
    "top5_accuracy",
    "video_level",
    "view_accuracy",
    "wilson_interval",
]
