"""The captioner's decoder of GRU or LSTM in eager PyTorch, with the weights of the Keras networks.

Whoever imports this needs PyTorch (pip install torch==2.13.0), in a process without Keras.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Captioner(nn.Module):
    """Bridge and decoder; `read` takes whole captions, `step` goes word by word. `dropout` acts while training."""

    def __init__(self, folder: Path, cell: str, dropout: float = 0.0) -> None:
        super().__init__()
        weights = {name: torch.from_numpy(value) for name, value in np.load(folder / "weights.npz").items()}

        def linear(name: str) -> nn.Linear:
            layer = nn.Linear(*weights[f"{name}/kernel"].shape)
            layer.weight.data = weights[f"{name}/kernel"].T.contiguous()
            layer.bias.data = weights[f"{name}/bias"].clone()
            return layer

        self.kind = cell
        self.memory, self.query, self.wanted = linear("memory"), linear("query"), linear("wanted")
        self.first = nn.ModuleList([linear(f"state_{number}") for number in range(1 if cell == "gru" else 2)])
        self.embedding = nn.Embedding.from_pretrained(weights["embedding/embeddings"].clone(), freeze=False)
        self.scale = nn.Parameter(weights["attention/scale"].clone())
        self.dropout = nn.Dropout(dropout)
        kernel, back, bias = (
            _gates(weights[f"{cell}/{name}"], cell) for name in ("kernel", "recurrent_kernel", "bias")
        )
        input_bias, recurrent_bias = bias if cell == "gru" else (bias, torch.zeros_like(bias))
        self.reader = {"gru": nn.GRU, "lstm": nn.LSTM}[cell](len(kernel), len(back), batch_first=True)
        self.cell = {"gru": nn.GRUCell, "lstm": nn.LSTMCell}[cell](len(kernel), len(back))
        for layer, number in ((self.reader, "_l0"), (self.cell, "")):
            getattr(layer, f"weight_ih{number}").data = kernel.T.contiguous()
            getattr(layer, f"weight_hh{number}").data = back.T.contiguous()
            getattr(layer, f"bias_ih{number}").data = input_bias.clone()
            getattr(layer, f"bias_hh{number}").data = recurrent_bias.clone()

    def start(self, grids: Any) -> tuple[Any, list[Any]]:
        """Memory (batch, regions, units) and first states (batch, units) of grids (batch, rows, columns, channels)."""
        regions = self.dropout(grids.flatten(1, 2))
        mean = regions.mean(1)
        return F.relu(self.memory(regions)), [torch.tanh(layer(mean)) for layer in self.first]

    def read(self, grids: Any, words: Any) -> Any:
        """Logits (batch, time, vocabulary) of whole captions (batch, time)."""
        memory, states = self.start(grids)
        first = tuple(state[None] for state in states)
        read, _ = self.reader(self.dropout(self.embedding(words)), first[0] if self.kind == "gru" else first)
        return self._told(self.dropout(read), memory)

    def step(self, words: Any, memory: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Logits (rows, vocabulary) after one more word (rows,); the hypotheses of an image share its memory."""
        vectors = self.embedding(words)
        states = [self.cell(vectors, states[0])] if self.kind == "gru" else list(self.cell(vectors, tuple(states)))
        return self._told(states[0].view(len(memory), -1, memory.shape[-1]), memory).flatten(0, 1), states

    def _told(self, read: Any, memory: Any) -> Any:
        chances = torch.softmax(self.scale * (self.query(read) @ memory.transpose(1, 2)), -1)
        wanted = torch.tanh(self.wanted(torch.cat([read, chances @ memory], -1)))
        return self.dropout(wanted) @ self.embedding.weight.T


def _gates(array: Any, cell: str) -> Any:
    """PyTorch's order of the gates: r z n for Keras's z r h; both have i f c o."""
    parts = array.chunk(3 if cell == "gru" else 4, dim=-1)
    return torch.cat([parts[1], parts[0], parts[2]] if cell == "gru" else parts, dim=-1)
