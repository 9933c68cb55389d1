"""The layers of Keras by their names, gathered from the files that define them."""

from firstlight.engine.dense import (
    ELU,
    Activation,
    Dense,
    Embedding,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    ReversibleEmbedding,
    Softmax,
)
from firstlight.engine.dropout import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
)
from firstlight.engine.layer import Layer
from firstlight.engine.merging import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from firstlight.engine.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    Normalization,
    Rescaling,
    RMSNormalization,
    UnitNormalization,
)
from firstlight.engine.reshaping import Flatten, Masking, Permute, RepeatVector, Reshape

__all__ = [
    "ELU",
    "Activation",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "ReversibleEmbedding",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "Subtract",
    "UnitNormalization",
]
