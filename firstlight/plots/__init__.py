"""The figures: how training went, how a model does, where the network looked, and a sheet of pictures with captions.

Each function takes arrays and a path and writes one picture.
"""

from firstlight.plots.classifiers import calibration, confusion, roc
from firstlight.plots.curves import training_curves
from firstlight.plots.looks import attention
from firstlight.plots.models import learning_curve, regularization_path
from firstlight.plots.sheet import contact_sheet

__all__ = [
    "attention",
    "calibration",
    "confusion",
    "contact_sheet",
    "learning_curve",
    "regularization_path",
    "roc",
    "training_curves",
]
