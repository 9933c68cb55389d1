"""Metrics as plain functions of Python lists and arrays; they know no data set and no framework.

Caption metrics, the intervals to report beside them, how many of a caption's facts are true, how well classes and
their probabilities are told, and how far predicted numbers are off.
"""

from firstlight.metrics.baselines import diversity, most_typical
from firstlight.metrics.calibration import (
    CalibrationCurve,
    brier_score,
    calibration_curve,
    calibration_error,
    log_loss,
)
from firstlight.metrics.captions import (
    Score,
    bleu,
    cider,
    cider_d,
    cider_plain,
    meteor,
    rouge_l,
    score,
    spice,
)
from firstlight.metrics.classification import (
    ClassReport,
    Proportion,
    accuracy,
    class_report,
    confusion_matrix,
    proportion,
    top_k_accuracy,
)
from firstlight.metrics.consensus import CiderD
from firstlight.metrics.facts import fact_precision, fact_recall, fact_scores
from firstlight.metrics.intervals import bootstrap, bootstrap_difference
from firstlight.metrics.ranking import (
    PrecisionRecallCurve,
    RocArea,
    RocCurve,
    average_precision,
    precision_recall_curve,
    roc_auc,
    roc_auc_by_class,
    roc_curve,
)
from firstlight.metrics.regression import mean_absolute_error, r_squared, root_mean_squared_error

__all__ = [
    "CalibrationCurve",
    "CiderD",
    "ClassReport",
    "PrecisionRecallCurve",
    "Proportion",
    "RocArea",
    "RocCurve",
    "Score",
    "accuracy",
    "average_precision",
    "bleu",
    "bootstrap",
    "bootstrap_difference",
    "brier_score",
    "calibration_curve",
    "calibration_error",
    "cider",
    "cider_d",
    "cider_plain",
    "class_report",
    "confusion_matrix",
    "diversity",
    "fact_precision",
    "fact_recall",
    "fact_scores",
    "log_loss",
    "mean_absolute_error",
    "meteor",
    "most_typical",
    "precision_recall_curve",
    "proportion",
    "r_squared",
    "roc_auc",
    "roc_auc_by_class",
    "roc_curve",
    "root_mean_squared_error",
    "rouge_l",
    "score",
    "spice",
    "top_k_accuracy",
]
