"""Whole systems on Keras 3, each trained on the user's own data by one command.

`SYSTEMS` names them for the command line; `ESTIMATORS` are the models inside those of tables, which follow
scikit-learn's protocol. A module loads Keras only when a network is built.
"""

import os
from importlib import import_module
from typing import Any

__all__ = [
    "ESTIMATORS",
    "GAN",
    "INDEXES",
    "SYSTEMS",
    "Autoencoder",
    "Captioner",
    "ImageClassifier",
    "ImageIndex",
    "LinearRegression",
    "LogisticRegression",
    "WordVectors",
    "combinations",
    "compare",
    "compare_tricks",
    "embedding_start",
    "load",
]

# TensorFlow greets every start with a page of notices; whoever wants them sets the variable.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SYSTEMS = {
    "autoencoder": "firstlight.systems.autoencoder:Autoencoder",
    "captioner": "firstlight.systems.captioner:Captioner",
    "classifier": "firstlight.systems.classifier:ImageClassifier",
    "gan": "firstlight.systems.gan:GAN",
    "linear-regression": "firstlight.systems.table_model:TableRegressor",
    "logistic-regression": "firstlight.systems.table_model:TableClassifier",
    "word-vectors": "firstlight.systems.word_vectors:WordVectors",
}

ESTIMATORS = {
    "linear-regression": "firstlight.systems.linear:LinearRegression",
    "logistic-regression": "firstlight.systems.linear_logistic:LogisticRegression",
}

# Built and brought up to date by a command of their own, and not trained.
INDEXES = {"image-index": "firstlight.systems.image_index:ImageIndex"}

_FUNCTIONS = {
    "combinations": "firstlight.systems.comparison_plan",
    "compare": "firstlight.systems.comparison",
    "compare_tricks": "firstlight.systems.tricks",
    "embedding_start": "firstlight.systems.word_vectors_start",
    "load": "firstlight.systems.system",
}


def __getattr__(name: str) -> Any:
    """Import a class or a function when it is first asked for."""
    for place in (*SYSTEMS.values(), *INDEXES.values(), *ESTIMATORS.values()):
        module, _, cls = place.partition(":")
        if cls == name:
            return getattr(import_module(module), name)
    if name in _FUNCTIONS:
        return getattr(import_module(_FUNCTIONS[name]), name)
    raise AttributeError(f"Module 'firstlight.systems' has no attribute {name!r}. It has: {', '.join(__all__)}.")
