"""Metrics as plain functions of Python lists and arrays; they know no data set and no framework.

Caption metrics, the intervals to report beside them, how many of a caption's facts are true, how well classes and
their probabilities are told, how far predicted numbers are off, and how good a search is.
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
from firstlight.metrics.generation import (
    Fidelity,
    Memorisation,
    fidelity,
    frechet_distance,
    frechet_of_moments,
    memorisation,
    nearest_rows,
    variety,
)
from firstlight.metrics.intervals import bootstrap, bootstrap_difference
from firstlight.metrics.morphing import largest_step, nearest_distances, realism
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
from firstlight.metrics.reconstruction import (
    PrincipalComponents,
    error_ratio,
    peak_signal_to_noise,
    principal_components,
    squared_error,
    structural_similarity,
)
from firstlight.metrics.regression import mean_absolute_error, r_squared, root_mean_squared_error
from firstlight.metrics.retrieval import (
    mean_average_precision,
    neighbour_recall,
    precision_at_k,
    recall_at_k,
    relevance,
)
from firstlight.metrics.word_similarity import RankCorrelation, solve_analogies, spearman

__all__ = [
    "CalibrationCurve",
    "CiderD",
    "ClassReport",
    "Fidelity",
    "Memorisation",
    "PrecisionRecallCurve",
    "PrincipalComponents",
    "Proportion",
    "RankCorrelation",
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
    "error_ratio",
    "fact_precision",
    "fact_recall",
    "fact_scores",
    "fidelity",
    "frechet_distance",
    "frechet_of_moments",
    "largest_step",
    "log_loss",
    "mean_absolute_error",
    "mean_average_precision",
    "memorisation",
    "meteor",
    "most_typical",
    "nearest_distances",
    "nearest_rows",
    "neighbour_recall",
    "peak_signal_to_noise",
    "precision_at_k",
    "precision_recall_curve",
    "principal_components",
    "proportion",
    "r_squared",
    "realism",
    "recall_at_k",
    "relevance",
    "roc_auc",
    "roc_auc_by_class",
    "roc_curve",
    "root_mean_squared_error",
    "rouge_l",
    "score",
    "solve_analogies",
    "spearman",
    "spice",
    "squared_error",
    "structural_similarity",
    "top_k_accuracy",
    "variety",
]
