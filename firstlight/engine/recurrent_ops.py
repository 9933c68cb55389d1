"""Whole sequences as one operation: the loop over time, and beside it the loop back (backpropagation through time).

The way back meets the steps in reverse. At each it holds d_h, the gradient of all that comes later with respect to the
state h; the step turns it into gradients of its own input and of the state before (Werbos 1990).

Sequences stand with time first. `x` is what the inputs give to the gates of each step, bias included: for all steps
one product of matrices, taken beforehand. What is left for the loop is h U, with the recurrent kernel U. A mask
(time, batch, 1) is False where a step keeps the state. All give the states after every step.
"""

from typing import Any

import numpy as np

from firstlight.engine.activations import sigmoid
from firstlight.engine.tensor import operation

__all__ = ["gru", "lstm", "simple_rnn"]


@operation
def simple_rnn(x: Any, h: Any, recurrent_kernel: Any, /, mask: Any = None) -> Any:
    """h' = tanh(x + h U) (Elman 1990): x (time, batch, units), h (batch, units) -> (time, batch, units).

    With s = x + h U and g' = dL/dh': dL/ds = g' (1 - h'^2), which is dL/dx, and dL/dh = dL/ds U^T.
    dL/dU sums h^T dL/ds over the steps.
    """
    states = _room(x, h)
    for t, x_t in enumerate(x):
        new = np.tanh(x_t + states[t] @ recurrent_kernel)
        states[t + 1] = _kept(new, states[t], mask, t)

    def pull(g: np.ndarray) -> tuple[np.ndarray, ...]:
        d_x, d_h, back = np.empty_like(x), np.zeros_like(h), _turned(recurrent_kernel)
        for t in reversed(range(len(x))):
            d_new, d_h = _parted(d_h + g[t], mask, t)
            d_x[t] = d_new * (1 - states[t + 1] ** 2)
            d_h = d_h + d_x[t] @ back
        return d_x, d_h, _summed(states[:-1], d_x)

    return states[1:], pull


@operation
def lstm(x: Any, h: Any, c: Any, recurrent_kernel: Any, /, mask: Any = None) -> Any:
    """Long short-term memory: a memory c that a gate f may forget, and a gate i may write to (Hochreiter and
    Schmidhuber 1997; the gate f is from Gers et al. 2000).

    With s = x + h U, cut in four, and the sigmoid:
        i = sigmoid(s_i)    f = sigmoid(s_f)    a = tanh(s_a)    o = sigmoid(s_o)
        c' = f c + i a      h' = o tanh(c')

    Back, from dL/dh' and dL/dc', where dL/dc' also gets dL/dh' o (1 - tanh(c')^2):
        dL/ds_i = dL/dc' a i (1 - i)     dL/ds_f = dL/dc' c f (1 - f)     dL/dc = dL/dc' f
        dL/ds_a = dL/dc' i (1 - a^2)     dL/ds_o = dL/dh' tanh(c') o (1 - o)     dL/dh = dL/ds U^T

    x (time, batch, 4 units), h and c (batch, units) -> h and c after every step, (2, time, batch, units).
    """
    states = np.empty((2, len(x) + 1, *h.shape), x.dtype)
    hs, cs = states
    hs[0], cs[0] = h, c
    gates = []
    for t, x_t in enumerate(x):
        s = hs[t] @ recurrent_kernel
        s += x_t
        s_i, s_f, s_a, s_o = _cut(s, 4)
        i, f, a, o = sigmoid(s_i), sigmoid(s_f), np.tanh(s_a), sigmoid(s_o)
        new = f * cs[t] + i * a
        bent = np.tanh(new)
        hs[t + 1], cs[t + 1] = _kept(o * bent, hs[t], mask, t), _kept(new, cs[t], mask, t)
        gates.append((i, f, a, o, bent))

    def pull(g: np.ndarray) -> tuple[np.ndarray, ...]:
        d_x, d_h, d_c, back = np.empty_like(x), np.zeros_like(h), np.zeros_like(c), _turned(recurrent_kernel)
        for t in reversed(range(len(x))):
            i, f, a, o, bent = gates[t]
            d_new_h, d_h = _parted(d_h + g[0, t], mask, t)
            d_new_c, d_c = _parted(d_c + g[1, t], mask, t)
            d_new_c = d_new_c + d_new_h * o * (1 - bent * bent)
            d_i, d_f, d_a, d_o = _cut(d_x[t], 4)
            d_i[...] = d_new_c * a * i * (1 - i)
            d_f[...] = d_new_c * cs[t] * f * (1 - f)
            d_a[...] = d_new_c * i * (1 - a * a)
            d_o[...] = d_new_h * bent * o * (1 - o)
            d_c = d_c + d_new_c * f
            d_h = d_h + d_x[t] @ back
        return d_x, d_h, d_c, _summed(hs[:-1], d_x)

    return states[:, 1:], pull


@operation
def gru(x: Any, h: Any, recurrent_kernel: Any, recurrent_bias: Any, /, mask: Any = None) -> Any:
    """Gated recurrent unit: a gate z keeps the state, a gate r lets it into the new one (Cho et al. 2014).

    With s = h U + b, both cut in three; r weighs s_a, that is, after the product of matrices:
        z = sigmoid(x_z + s_z)    r = sigmoid(x_r + s_r)    a = tanh(x_a + r s_a)    h' = z h + (1 - z) a

    Back, from dL/dh', with u_z, u_r, u_a for what stands in the brackets:
        dL/du_z = dL/dh' (h - a) z (1 - z)    dL/du_a = dL/dh' (1 - z) (1 - a^2)    dL/du_r = dL/du_a s_a r (1 - r)
        dL/dx = dL/du    dL/ds = (dL/du_z, dL/du_r, dL/du_a r)    dL/dh = dL/dh' z + dL/ds U^T

    x (time, batch, 3 units), h (batch, units), recurrent_bias (3 units,) -> (time, batch, units).
    """
    states, split = _room(x, h), 2 * h.shape[-1]
    gates = []
    for t, x_t in enumerate(x):
        before = states[t]
        s = before @ recurrent_kernel + recurrent_bias
        s_a = s[:, split:]
        z, r = _cut(sigmoid(x_t[:, :split] + s[:, :split]), 2)
        a = np.tanh(x_t[:, split:] + r * s_a)
        states[t + 1] = _kept(z * before + (1 - z) * a, before, mask, t)
        gates.append((z, r, a, s_a))

    def pull(g: np.ndarray) -> tuple[np.ndarray, ...]:
        d_x, d_s, d_h, back = np.empty_like(x), np.empty_like(x), np.zeros_like(h), _turned(recurrent_kernel)
        for t in reversed(range(len(x))):
            z, r, a, s_a = gates[t]
            d_new, d_h = _parted(d_h + g[t], mask, t)
            d_z, d_r, d_a = _cut(d_x[t], 3)
            d_z[...] = d_new * (states[t] - a) * z * (1 - z)
            d_a[...] = d_new * (1 - z) * (1 - a * a)
            d_r[...] = d_a * s_a * r * (1 - r)
            d_s[t] = np.concatenate([d_z, d_r, d_a * r], -1)
            d_h = d_h + d_new * z + d_s[t] @ back
        return d_x, d_h, _summed(states[:-1], d_s), d_s.sum((0, 1))

    return states[1:], pull


def _room(x: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(time + 1, batch, units), with the state before the first step in its place."""
    states = np.empty((len(x) + 1, *state.shape), x.dtype)
    states[0] = state
    return states


def _cut(s: np.ndarray, count: int) -> np.ndarray:
    """(batch, count units) -> count views (batch, units)."""
    return s.reshape(len(s), count, -1).swapaxes(0, 1)


def _turned(kernel: np.ndarray) -> np.ndarray:
    """U^T, its rows written one after the other: the products of all steps are faster by more than this costs."""
    return np.ascontiguousarray(kernel.T)


def _kept(new: np.ndarray, before: np.ndarray, mask: Any, t: int) -> np.ndarray:
    """The new state, or the one before where step t is masked."""
    return new if mask is None else np.where(mask[t], new, before)


def _parted(d_state: np.ndarray, mask: Any, t: int) -> tuple[np.ndarray, Any]:
    """What of the gradient of a state goes to the new one, and what past the step to the one before."""
    return (d_state, 0.0) if mask is None else (d_state * mask[t], d_state * ~mask[t])


def _summed(before: np.ndarray, d_sum: np.ndarray) -> np.ndarray:
    """The gradient of U: h^T dL/ds, summed over steps and batch, in one product of matrices."""
    return before.reshape(-1, before.shape[-1]).T @ d_sum.reshape(-1, d_sum.shape[-1])
