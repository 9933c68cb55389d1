"""The figures: how training went, how a model does, where the network looked, and a sheet of pictures with captions.

Each function takes arrays and a path and writes one picture.
"""

from firstlight.plots.classifiers import calibration, class_bars, confusion, roc
from firstlight.plots.code_map import code_map, map_picture
from firstlight.plots.comparisons import heat_map, learning_rates, loss_curves, score_ladder
from firstlight.plots.curves import training_curves
from firstlight.plots.films import enlarged, film, frames, picture_grid, strip
from firstlight.plots.looks import attention
from firstlight.plots.models import learning_curve, regularization_path
from firstlight.plots.paths import Descent, descent, descent_film
from firstlight.plots.regression import predicted_against_true, residuals
from firstlight.plots.seeing import feature_maps, filters, heat, mistakes
from firstlight.plots.sheet import contact_sheet
from firstlight.plots.word_map import word_map

__all__ = [
    "Descent",
    "attention",
    "calibration",
    "class_bars",
    "code_map",
    "confusion",
    "contact_sheet",
    "descent",
    "descent_film",
    "enlarged",
    "feature_maps",
    "film",
    "filters",
    "frames",
    "heat",
    "heat_map",
    "learning_curve",
    "learning_rates",
    "loss_curves",
    "map_picture",
    "mistakes",
    "picture_grid",
    "predicted_against_true",
    "regularization_path",
    "residuals",
    "roc",
    "score_ladder",
    "strip",
    "training_curves",
    "word_map",
]
