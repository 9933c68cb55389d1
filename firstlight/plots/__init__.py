"""The figures: how training went, where the network looked, and a sheet of pictures with their captions.

Each function takes arrays and a path and writes one picture.
"""

from firstlight.plots.curves import training_curves
from firstlight.plots.looks import attention
from firstlight.plots.sheet import contact_sheet

__all__ = ["attention", "contact_sheet", "training_curves"]
