"""Closed-form derivatives of one step of one recurrent layer, by its state and by its input.

With s' for the slope of a gate s = sigmoid(a), s' = s (1 - s), and every gate's a = W x + U h + ... :

    rnn     dh = (1 - h'^2) (U, W)
    gru     dh = z [h only] + (h - n) z' (U_z, W_z) + (1 - z)(1 - n^2) (r U_n + p r' U_r, W_n + p r' W_r)
                 with p = U_n h + d_n
    lstm    dc = f [c only] + c f' da_f + g i' da_i + i (1 - g^2) da_g,     da = (U, diag V, W) of each gate
            dh = tanh(c') o' (U_o, 0, W_o) + (o (1 - tanh(c')^2) + tanh(c') o' V_o) dc
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class LayerWeights:
    """Weights of one layer, gate by gate.

    Attributes:
        w: (gate, hidden, input) from the input.
        u: (gate, hidden, hidden) from the hidden state.
        b: (gate, hidden) beside W x.
        d: (gate, hidden) beside U h.
        v: (3, hidden) peepholes of i, f, o.
    """

    w: Tensor
    u: Tensor
    b: Tensor
    d: Tensor
    v: Tensor


@dataclass(frozen=True)
class LayerJacobian:
    """Derivatives of a layer's new state (hidden, then memory) at each point of a batch.

    Attributes:
        state: (batch, state, state).
        inputs: (batch, state, input).
    """

    state: Tensor
    inputs: Tensor


def rnn_jacobian(weights: LayerWeights, x: Tensor, state: Tensor) -> LayerJacobian:
    """Returns the derivatives of h' = tanh(W x + U h) at x (batch, input) and h (batch, hidden)."""
    (driven,), (recurrent,) = _gates(weights, x, state)
    slope = 1 - torch.tanh(driven + recurrent).square()
    return LayerJacobian(_rows(slope, weights.u[0]), _rows(slope, weights.w[0]))


def gru_jacobian(weights: LayerWeights, x: Tensor, state: Tensor) -> LayerJacobian:
    """Returns the derivatives of torch's GRU at x (batch, input) and h (batch, hidden)."""
    (driven_r, driven_z, driven_n), (recurrent_r, recurrent_z, recurrent_n) = _gates(weights, x, state)
    r, z = torch.sigmoid(driven_r + recurrent_r), torch.sigmoid(driven_z + recurrent_z)
    n = torch.tanh(driven_n + r * recurrent_n)
    by_z = (state - n) * _slope(z)
    by_n = (1 - z) * (1 - n.square())
    by_r = by_n * recurrent_n * _slope(r)
    (u_r, u_z, u_n), (w_r, w_z, w_n) = weights.u, weights.w
    return LayerJacobian(
        torch.diag_embed(z) + _rows(by_z, u_z) + _rows(by_n * r, u_n) + _rows(by_r, u_r),
        _rows(by_z, w_z) + _rows(by_n, w_n) + _rows(by_r, w_r),
    )


def lstm_jacobian(weights: LayerWeights, x: Tensor, state: Tensor) -> LayerJacobian:
    """Returns the derivatives of the LSTM, with peepholes or V = 0, at x and (h, c) (batch, 2 * hidden)."""
    h, c = state.chunk(2, dim=-1)
    v_i, v_f, v_o = weights.v
    a_i, a_f, a_g, a_o = (driven + recurrent for driven, recurrent in zip(*_gates(weights, x, h), strict=True))
    i, f, g = torch.sigmoid(a_i + v_i * c), torch.sigmoid(a_f + v_f * c), torch.tanh(a_g)
    memory = f * c + i * g
    o, squashed = torch.sigmoid(a_o + v_o * memory), torch.tanh(memory)

    by_i, by_f, by_g, by_o = g * _slope(i), c * _slope(f), i * (1 - g.square()), squashed * _slope(o)
    by_memory = (o * (1 - squashed.square()) + by_o * v_o)[:, :, None]

    def memory_by(u_i: Tensor, u_f: Tensor, u_g: Tensor, _: Tensor) -> Tensor:
        return _rows(by_i, u_i) + _rows(by_f, u_f) + _rows(by_g, u_g)

    c_by_h, c_by_x = memory_by(*weights.u), memory_by(*weights.w)
    c_by_c = torch.diag_embed(f + by_i * v_i + by_f * v_f)
    h_by_h = _rows(by_o, weights.u[3]) + by_memory * c_by_h
    h_by_x = _rows(by_o, weights.w[3]) + by_memory * c_by_x
    of_h, of_c = torch.cat([h_by_h, by_memory * c_by_c], dim=2), torch.cat([c_by_h, c_by_c], dim=2)
    return LayerJacobian(torch.cat([of_h, of_c], dim=1), torch.cat([h_by_x, c_by_x], dim=1))


def _gates(weights: LayerWeights, x: Tensor, h: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Returns W x + b and U h + d of every gate, each (batch, hidden)."""
    driven = tuple(functional.linear(x, w, b) for w, b in zip(weights.w, weights.b, strict=True))
    recurrent = tuple(functional.linear(h, u, d) for u, d in zip(weights.u, weights.d, strict=True))
    return driven, recurrent


def _slope(gate: Tensor) -> Tensor:
    return gate * (1 - gate)


def _rows(factor: Tensor, matrix: Tensor) -> Tensor:
    """Returns diag(factor) matrix for each factor (batch, row) of a batch."""
    return factor[:, :, None] * matrix
