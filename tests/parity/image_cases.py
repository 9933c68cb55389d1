"""Rows of the table for layers of images; see case.py."""

import numpy as np

from tests.parity.case import BATCH, Case

SAME, BILINEAR = {"padding": "same"}, {"interpolation": "bilinear"}
THREE, FIVE = {"filters": 3, "kernel_size": 3}, {"filters": 5, "kernel_size": (3, 2)}

CONVOLUTION = [
    Case("Conv1D", THREE, (7, 2)),
    Case("Conv1D", {**THREE, **SAME}, (7, 2)),
    Case("Conv1D", {**THREE, "padding": "causal", "dilation_rate": 2}, (8, 2)),
    Case("Conv1D", {**THREE, "padding": "causal", "strides": 2}, (7, 2)),
    Case("Conv1D", {"filters": 4, "kernel_size": 1, "use_bias": False}, (5, 3)),
    Case("Conv1D", {"filters": 4, "kernel_size": 2, "strides": 3, **SAME}, (8, 3)),
    Case("Conv1D", {"filters": 4, "kernel_size": 5, "strides": 2, **SAME}, (8, 3)),
    Case("Conv1D", {"filters": 4, "kernel_size": 9, **SAME}, (4, 3)),
    Case("Conv2D", FIVE, (6, 5, 2)),
    Case("Conv2D", {**FIVE, **SAME, "activation": "relu"}, (6, 5, 2)),
    Case("Conv2D", {**FIVE, **SAME, "strides": 2}, (6, 5, 2)),
    Case("Conv2D", {**FIVE, **SAME, "strides": (2, 3)}, (7, 8, 2)),
    Case("Conv2D", {**FIVE, "strides": (2, 1)}, (7, 5, 2)),
    Case("Conv2D", {**FIVE, "strides": 4}, (9, 9, 2)),
    Case("Conv2D", {**FIVE, "dilation_rate": 2}, (7, 6, 2)),
    Case("Conv2D", {**FIVE, **SAME, "dilation_rate": (2, 3)}, (7, 6, 2)),
    Case("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2, **SAME}, (5, 6)),
    Case("Conv2D", {"filters": 6, "kernel_size": 2, "groups": 3}, (4, 3, 3)),
    Case("Conv2D", {"filters": 4, "kernel_size": (3, 2), "groups": 2, "strides": 2, **SAME}, (5, 4, 4)),
    Case("Conv2D", {"filters": 4, "kernel_size": 1}, (3, 4, 2)),
    Case("Conv2D", {"filters": 4, "kernel_size": 1, "strides": 2, "use_bias": False}, (5, 4, 2)),
    Case("Conv2D", {**FIVE, "activation": "gelu", "kernel_regularizer": "l2", "bias_regularizer": "l1"}, (4, 4, 2)),
    Case("Conv2D", {**FIVE, "kernel_initializer": "he_normal", "kernel_constraint": "max_norm"}, (4, 4, 2)),
    Case("Conv2D", {**FIVE, "activity_regularizer": "l2", "data_format": "channels_last"}, (4, 4, 2)),
    Case("Conv3D", {"filters": 3, "kernel_size": 2, "strides": (1, 2, 1), **SAME}, (3, 4, 2, 2)),
    Case("Conv3D", {"filters": 2, "kernel_size": (2, 1, 2), "dilation_rate": 2}, (3, 2, 4, 2)),
    Case("Conv1DTranspose", THREE, (5, 2)),
    Case("Conv1DTranspose", {**THREE, "strides": 2, **SAME}, (5, 2)),
    Case("Conv1DTranspose", {**THREE, "strides": 2, "output_padding": 0}, (4, 2)),
    Case("Conv1DTranspose", {"filters": 2, "kernel_size": 2, "strides": 4}, (3, 3)),
    Case("Conv2DTranspose", FIVE, (4, 3, 2)),
    Case("Conv2DTranspose", {**FIVE, **SAME, "activation": "relu"}, (4, 3, 2)),
    Case("Conv2DTranspose", {**FIVE, "strides": 2}, (4, 3, 2)),
    Case("Conv2DTranspose", {**FIVE, "strides": 2, **SAME, "use_bias": False}, (4, 3, 2)),
    Case("Conv2DTranspose", {**FIVE, "strides": 2, **SAME, "output_padding": 1}, (4, 3, 2)),
    Case("Conv2DTranspose", {**FIVE, "strides": (3, 2), "output_padding": (2, 1)}, (4, 3, 2)),
    Case("Conv2DTranspose", {"filters": 2, "kernel_size": 4, "strides": 2, **SAME}, (3, 3, 2)),
    Case("Conv3DTranspose", {"filters": 2, "kernel_size": 2}, (2, 3, 2, 2)),
    Case("Conv3DTranspose", {"filters": 2, "kernel_size": (1, 3, 2), "strides": 2, **SAME}, (2, 3, 2, 3)),
]
DEPTHWISE = [
    Case("DepthwiseConv1D", {"kernel_size": 3}, (6, 2)),
    Case("DepthwiseConv1D", {"kernel_size": 4, "depth_multiplier": 2, "strides": 2, **SAME}, (7, 2)),
    Case("DepthwiseConv2D", {"kernel_size": 3}, (5, 6, 3)),
    Case("DepthwiseConv2D", {"kernel_size": (3, 2), "depth_multiplier": 3, **SAME, "use_bias": False}, (5, 6, 2)),
    Case("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, **SAME, "activation": "relu6"}, (6, 5, 3)),
    Case("DepthwiseConv2D", {"kernel_size": 3, "dilation_rate": 2, "depthwise_regularizer": "l2"}, (6, 5, 3)),
    Case("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "dilation_rate": 2, **SAME}, (6, 5, 3)),
    Case("SeparableConv1D", THREE, (6, 2)),
    Case("SeparableConv1D", {**THREE, "depth_multiplier": 2, "strides": 2, **SAME, "activation": "tanh"}, (7, 2)),
    Case("SeparableConv2D", FIVE, (5, 4, 2)),
    Case("SeparableConv2D", {**FIVE, "depth_multiplier": 2, **SAME, "use_bias": False}, (5, 4, 2)),
    Case("SeparableConv2D", {**FIVE, "strides": 2, "pointwise_initializer": "he_uniform"}, (6, 5, 2)),
]
POOLING = [
    Case("MaxPooling1D", {}, (4, 2)),
    Case("MaxPooling2D", {}, (4, 4, 2)),
    *[
        case
        for kind in ("Max", "Average")
        for case in [
            Case(f"{kind}Pooling1D", {"pool_size": 2}, (6, 2)),
            Case(f"{kind}Pooling1D", {"pool_size": 3, "strides": 2, **SAME}, (6, 2)),
            Case(f"{kind}Pooling1D", {"pool_size": 2, "strides": 3}, (7, 2)),
            Case(f"{kind}Pooling2D", {"pool_size": 2}, (5, 6, 2)),
            Case(f"{kind}Pooling2D", {"pool_size": (3, 2), **SAME}, (5, 6, 2)),
            Case(f"{kind}Pooling2D", {"pool_size": 3, "strides": 2, **SAME}, (6, 5, 2)),
            Case(f"{kind}Pooling2D", {"pool_size": 3, "strides": 1}, (4, 5, 2)),
            Case(f"{kind}Pooling2D", {"pool_size": 2, "strides": 3, **SAME}, (7, 8, 2)),
        ]
    ],
    *[
        Case(f"Global{kind}Pooling{shape}D", {"keepdims": keepdims}, (3, 4, 2)[2 - shape :])
        for kind in ("Max", "Average")
        for shape in (1, 2)
        for keepdims in (False, True)
    ],
    Case("GlobalAveragePooling1D", {}, (4, 2), mask=np.arange(4) < np.arange(2, BATCH + 2)[:, None]),
    Case("GlobalAveragePooling1D", {"keepdims": True}, (4, 2), mask=np.arange(4) > np.arange(BATCH)[:, None]),
]
RESIZING = [
    Case("ZeroPadding1D", {}, (3, 2)),
    Case("ZeroPadding1D", {"padding": (0, 2)}, (3, 2)),
    Case("ZeroPadding2D", {}, (3, 2, 2)),
    Case("ZeroPadding2D", {"padding": (1, 2)}, (3, 2, 2)),
    Case("ZeroPadding2D", {"padding": ((1, 0), (0, 2))}, (3, 2, 2)),
    Case("Cropping1D", {}, (5, 2)),
    Case("Cropping1D", {"cropping": (2, 0)}, (5, 2)),
    Case("Cropping2D", {}, (3, 4, 2)),
    Case("Cropping2D", {"cropping": 1}, (3, 4, 2)),
    Case("Cropping2D", {"cropping": ((1, 0), (0, 2))}, (3, 4, 2)),
    Case("UpSampling1D", {"size": 3}, (3, 2)),
    Case("UpSampling2D", {}, (3, 2, 2)),
    Case("UpSampling2D", {"size": (3, 2), **BILINEAR}, (3, 4, 2)),
    Case("Resizing", {"height": 7, "width": 3}, (4, 5, 2)),
    Case("Resizing", {"height": 3, "width": 9, "interpolation": "nearest"}, (5, 4, 2)),
    Case("Resizing", {"height": 2, "width": 7, "antialias": True}, (9, 5, 2)),
    Case("Resizing", {"height": 4, "width": 4, "crop_to_aspect_ratio": True}, (5, 9, 2)),
    Case("Resizing", {"height": 1, "width": 2, "crop_to_aspect_ratio": True}, (1, 1, 2)),
    Case("Resizing", {"height": 4, "width": 6, "pad_to_aspect_ratio": True, "fill_value": 0.5}, (8, 4, 2)),
    Case("Resizing", {"height": 8, "width": 10}, (4, 5, 2), integers=256),
    Case("CenterCrop", {"height": 2, "width": 3}, (5, 4, 2)),
    Case("CenterCrop", {"height": 6, "width": 3}, (5, 4, 2)),
]
CASES: list[Case] = [*CONVOLUTION, *DEPTHWISE, *POOLING, *RESIZING]
