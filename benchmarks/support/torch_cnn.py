"""The classifier's `cnn` in eager PyTorch, as a tutorial writes it, with the weights of the Keras network.

Whoever imports this needs PyTorch (pip install torch==2.13.0), in a process without Keras.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn


class Network(nn.Module):
    """Images (batch, 3, height, width), 0..255, to logits.

    Args:
        weights: of the Keras network in its order: kernel, gamma, beta, moving mean, moving variance of each
            convolution, then kernel and bias of the classifier.
        pooled: whether the grid is halved after each convolution.
    """

    def __init__(self, weights: Sequence[np.ndarray], pooled: Sequence[bool]) -> None:
        super().__init__()
        values = [torch.from_numpy(np.array(value)) for value in weights]
        parts: list[nn.Module] = []
        for number, halve in enumerate(pooled):
            kernel, gamma, beta, mean, variance = values[5 * number : 5 * number + 5]
            convolution = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding="same", bias=False)
            convolution.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
            normalization = nn.BatchNorm2d(kernel.shape[3], eps=1e-3, momentum=0.1)
            normalization.weight.data, normalization.bias.data = gamma, beta
            normalization.running_mean, normalization.running_var = mean, variance
            parts += [convolution, *([nn.MaxPool2d(2)] if halve else []), normalization, nn.ReLU()]
        self.convolutions = nn.Sequential(*parts)
        kernel, bias = values[-2:]
        self.classifier = nn.Linear(*kernel.shape)
        self.classifier.weight.data, self.classifier.bias.data = kernel.T.contiguous(), bias

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (batch, classes)."""
        return self.classifier(self.convolutions(images / 127.5 - 1).amax((2, 3)))
