"""Metrics as plain functions of Python lists and arrays; they know no data set and no framework.

Caption metrics, the intervals to report beside them, and how many of a caption's facts are true.
"""

from firstlight.metrics.baselines import diversity, most_typical
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
from firstlight.metrics.consensus import CiderD
from firstlight.metrics.facts import fact_precision, fact_recall, fact_scores
from firstlight.metrics.intervals import bootstrap, bootstrap_difference

__all__ = [
    "CiderD",
    "Score",
    "bleu",
    "bootstrap",
    "bootstrap_difference",
    "cider",
    "cider_d",
    "cider_plain",
    "diversity",
    "fact_precision",
    "fact_recall",
    "fact_scores",
    "meteor",
    "most_typical",
    "rouge_l",
    "score",
    "spice",
]
