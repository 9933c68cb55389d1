"""Rows of the table for layers of vectors, shapes, merging and normalization; see case.py."""

import numpy as np

from tests.parity.case import BATCH, Case

TEXT_MASK = np.arange(4) < np.array([[4], [2], [3]])

DENSE = [
    Case("Dense", {"units": 5}, (4,)),
    Case("Dense", {"units": 5, "activation": "tanh", "use_bias": False}, (3, 4)),
    Case(
        "Dense", {"units": 2, "activation": "softmax", "kernel_regularizer": "l2", "bias_constraint": "non_neg"}, (4,)
    ),
    Case("Embedding", {"input_dim": 7, "output_dim": 3}, (4,), integers=7),
    Case("Embedding", {"input_dim": 7, "output_dim": 3, "mask_zero": True}, (4, 2), integers=7),
    Case("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3}, (4,), integers=7),
    Case("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3, "mask_zero": True}, (4,), integers=7),
    Case("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3}, (4, 3), {"reverse": True}),
    Case(
        "ReversibleEmbedding",
        {"input_dim": 7, "output_dim": 3, "tie_weights": False, "logit_soft_cap": 0.5},
        (4, 3),
        {"reverse": True},
    ),
    Case("Identity", {}, (3,)),
    Case("Masking", {"mask_value": 0.5}, (4, 2)),
    Case("Softmax", {"axis": 1}, (4, 2)),
    Case("Softmax", {}, (4,), mask=TEXT_MASK),
    Case("Softmax", {}, (4,), mask=TEXT_MASK & [[True], [False], [True]]),
    Case("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (6,)),
    Case("LeakyReLU", {}, (6,)),
    Case("ELU", {"alpha": 0.7}, (6,)),
    Case("PReLU", {}, (3, 2)),
    Case("PReLU", {"shared_axes": [1, 2]}, (3, 4, 2)),
    *[
        Case("Activation", {"activation": name}, (9,))
        for name in [
            "linear",
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "celu",
            "selu",
            "gelu",
            "silu",
            "mish",
            "sigmoid",
            "log_sigmoid",
            "hard_sigmoid",
            "hard_silu",
            "hard_tanh",
            "tanh",
            "softplus",
            "softsign",
            "exponential",
            "softmax",
            "log_softmax",
        ]
    ],
]
SHAPES = [
    Case("Flatten", {}, (2, 3)),
    Case("Flatten", {}, (2, 3, 2)),
    Case("Reshape", {"target_shape": (3, -1)}, (2, 6)),
    Case("Permute", {"dims": (2, 3, 1)}, (2, 3, 4)),
    Case("Permute", {"dims": (2, 1)}, (3, 4)),
    Case("RepeatVector", {"n": 3}, (4,)),
    Case("Rescaling", {"scale": 0.5, "offset": -1.0}, (3, 2)),
    Case("Rescaling", {"scale": [0.5, 2.0], "offset": [0.0, 1.0]}, (3, 2)),
    Case("Dropout", {"rate": 0.5}, (4,)),
    Case("Dropout", {"rate": 0.0}, (4,), training=True),
    Case("SpatialDropout1D", {"rate": 0.5}, (4, 2)),
    Case("SpatialDropout2D", {"rate": 0.5}, (4, 3, 2)),
    Case("GaussianNoise", {"stddev": 0.5}, (4,)),
    Case("GaussianDropout", {"rate": 0.5}, (4,)),
    Case("AlphaDropout", {"rate": 0.5}, (4,)),
]
MERGING = [
    *[Case(name, {}, [(3, 2), (3, 2), (3, 2)]) for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")],
    Case("Subtract", {}, [(3, 2), (3, 2)]),
    Case("Add", {}, [(3, 2), (1, 2)]),
    Case("Multiply", {}, [(2,), (3, 2)]),
    Case("Concatenate", {}, [(3, 2), (3, 4)]),
    Case("Concatenate", {"axis": 1}, [(3, 2), (1, 2)]),
    Case("Dot", {"axes": 1}, [(4,), (4,)]),
    Case("Dot", {"axes": -1, "normalize": True}, [(3, 4), (2, 4)]),
    Case("Dot", {"axes": (2, 1)}, [(3, 4), (4, 5)]),
    Case("Dot", {"axes": 1, "normalize": True}, [(3, 4), (3, 2)]),
]
NORMALIZATION = [
    Case("BatchNormalization", {}, (4,)),
    Case("BatchNormalization", {"epsilon": 0.1, "momentum": 0.5}, (4,), training=True, tolerance=3e-5),
    Case("BatchNormalization", {"scale": False}, (5, 4, 3), training=True, tolerance=3e-5),
    Case("BatchNormalization", {"axis": 1, "center": False}, (3, 4), training=True, tolerance=3e-5),
    Case("BatchNormalization", {"axis": 1}, (3, 4)),
    Case("BatchNormalization", {}, (4, 5), training=True, mask=TEXT_MASK, tolerance=3e-5),
    Case("LayerNormalization", {}, (3, 8)),
    Case("LayerNormalization", {"axis": [1, 2], "center": False}, (3, 4)),
    Case("LayerNormalization", {"epsilon": 1e-5, "scale": False}, (8,)),
    Case("GroupNormalization", {"groups": 2}, (3, 4, 6)),
    Case("GroupNormalization", {"groups": -1, "axis": 1}, (3, 4)),
    Case("RMSNormalization", {}, (3, 8)),
    Case("UnitNormalization", {}, (3, 8)),
    Case("UnitNormalization", {"axis": [1, 2]}, (3, 2, 4)),
    Case("Normalization", {"mean": [1.0, 2.0], "variance": [4.0, 0.25]}, (3, 2)),
    Case("Normalization", {"mean": 1.0, "variance": 4.0, "axis": None, "invert": True}, (3, 2)),
]
CASES = [*DENSE, *SHAPES, *MERGING, *NORMALIZATION]

if len(TEXT_MASK) != BATCH:
    raise ValueError(f"Expected a mask for {BATCH} examples. Received one for {len(TEXT_MASK)}.")
