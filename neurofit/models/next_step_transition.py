"""The next-step network as a `Transition`, with closed-form derivatives.

An input is a sample, and the measured inputs of its step after it. The state vector is that of the layers; with the ar
output the last p samples follow, oldest first, because the layers see the innovation e = (u - sum_k A_k x_{-k} - b) / s
of a sample u. With J and K for the derivatives of the layers' state by itself and by what they see,

    dF/dh = | J   -K diag(1/s) [A_p .. A_1] |        dF/du = | K diag(1/s) |
            | 0      shift by one sample    |                | 0 .. 0   1  |
"""

from __future__ import annotations

import torch
from torch import Tensor

from neurofit.models.next_step import NextStepNetwork
from neurofit.models.stack_transition import StackTransition


class NextStepTransition:
    """One step of a `NextStepNetwork` with the cell rnn, gru, lstm or peephole-lstm.

    Args:
        network: the network; its weights are read when a method is called.
        dt_s: duration of a step, in s.

    Raises:
        ValueError: The cell has no closed-form derivative here.
    """

    def __init__(self, network: NextStepNetwork, *, dt_s: float) -> None:
        self.network, self.dt_s = network, dt_s
        self.layers = StackTransition(network.recurrent)
        self.history = network.history
        self.n_input, self.n_channels = network.recurrent.input_size, network.n_channels
        self.width = self.n_channels + (network.skip.n_inputs if network.skip else 0)
        self.n_state = self.layers.n_state + self.history * self.width
        self.bounded = network.recurrent.n_states == 1 and not self.history

    @torch.no_grad()
    def step(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns the state after one step, (batch, state)."""
        layers, past = self._split(state)
        later = torch.cat([past, inputs[:, None, : self.width]], dim=1)[:, 1:]
        return torch.cat([self.layers.step(layers, self._seen(past, inputs)), later.flatten(1)], dim=1)

    @torch.no_grad()
    def jacobian_state(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns dF/dh (batch, state, state)."""
        layers, past = self._split(state)
        seen = self._seen(past, inputs)
        by_layers = self.layers.jacobian_state(layers, seen)
        if self.network.skip is None:
            return by_layers
        n = self.layers.n_state
        by_past = state.new_zeros(self.n_channels, self.history * self.width)
        by_recent = torch.cat(self.network.skip.matrices().flip(0).unbind(), dim=1)
        by_past[:, -by_recent.shape[1] :] = -by_recent / self.network.residual_scale[:, None]
        jacobian = state.new_zeros(len(state), self.n_state, self.n_state)
        jacobian[:, :n, :n] = by_layers
        jacobian[:, :n, n:] = self.layers.jacobian_input(layers, seen)[..., : self.n_channels] @ by_past
        jacobian[:, n : -self.width, n + self.width :] = torch.eye((self.history - 1) * self.width)
        return jacobian

    @torch.no_grad()
    def jacobian_input(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns dF/du (batch, state, input)."""
        layers, past = self._split(state)
        by_seen = self.layers.jacobian_input(layers, self._seen(past, inputs))
        if self.network.skip is None:
            return by_seen
        by_input = state.new_zeros(len(state), self.n_state, self.n_input)
        by_input[:, : self.layers.n_state] = by_seen
        by_input[:, : self.layers.n_state, : self.n_channels] /= self.network.residual_scale
        by_input[:, -self.width :, : self.width] = torch.eye(self.width)
        return by_input

    @torch.no_grad()
    def readout(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns the predicted next sample (batch, channel) after a step with this input that ended in this state."""
        layers, past = self._split(state)
        if self.network.skip is None:
            return self.network.expected(
                self.network.read_out(inputs[:, : self.n_channels], self.layers.output(layers))
            )
        linear, innovations = self.network.whiten(past)
        response = self.network.respond(innovations / self.network.residual_scale, 1)
        response = None if response is None else response[:, 0]
        return self.network.read_out(linear[:, -1], self.layers.output(layers), response)

    def _split(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the state of the layers, and the last samples with the inputs that drive the autoregression."""
        layers, past = state.split([self.layers.n_state, self.history * self.width], dim=1)
        return layers, past.reshape(len(state), self.history, self.width)

    def _seen(self, past: Tensor, inputs: Tensor) -> Tensor:
        """Returns what the layers see, (batch, input)."""
        if self.network.skip is None:
            return inputs
        samples, measured = inputs.split([self.n_channels, self.n_input - self.n_channels], dim=1)
        return torch.cat([(samples - self.network.skip(past)[:, -1]) / self.network.residual_scale, measured], dim=1)
