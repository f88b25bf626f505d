"""A recurrent network that predicts the next sample of every channel from all samples and measured inputs so far.

    absolute:  h_t = cell([x_t, u_t], h_{t-1}),        x^_{t+1} = A h_t + b
    residual:  h_t = cell([x_t, u_t], h_{t-1}),        x^_{t+1} = x_t + s (A h_t + b)
    ar:        h_t = cell([e_t / s, u_t], h_{t-1}),    x^_{t+1} = y_{t+1} + g s (A h_t + b + d_t),   e_t = x_t - y_t
    poisson:   h_t = cell([x_t, u_t], h_{t-1}),        log E[k_{t+1}] = log r + A h_t + b

with A = 0 and b = 0 at the start of the last three. Before training the residual form is persistence, and s is the
standard deviation of the training differences, so that channels that move little and channels that move much learn at
the same rate. The ar form starts from a frozen autoregression y, the linear answer to beat: the network sees what that
one missed, the innovations e, whose size is s, and the gate g in [0, 1] of a channel takes back what does not help it;
d is the response of a channel to its own last innovations, shared by all channels (`shared_response.py`).
The poisson form reads out the log of the expected count k of a bin, and starts from the training mean r.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from neurofit.models.cells import CellName, make_cell
from neurofit.models.counts import CountScale
from neurofit.models.linear_skip import LinearSkip
from neurofit.models.shared_response import SharedResponse
from neurofit.models.stack import State
from neurofit.models.wide_linear import wide_linear

Output = Literal["ar", "residual", "absolute", "poisson"]


class NextStepNetwork(nn.Module):
    """Recurrent layers and a linear read-out of the next sample.

    Args:
        cell: name of the recurrent cell.
        n_channels: channels of the recording.
        hidden: units in each recurrent layer.
        layers: recurrent layers.
        output: predict the next sample itself, its difference from this one, what an autoregression misses of it, or
            the log of its expected count.
        n_inputs: measured inputs beside the channels.
        residual_scale: (channel,) s, in units of the samples; ones when None, to be filled by `load_state_dict`. Only
            used by the residual and ar outputs.
        skip: the frozen autoregression of the ar output, in units of the samples.
        counts: what samples mean in counts, for the poisson output.
        own_lags: own innovations that a channel of the ar output responds to by a network shared by all; 0 for none.
        bias: whether the recurrent cell has biases; the read-out always has one.

    Raises:
        ValueError: The ar output has no skip or the poisson output no counts, or another one has.
    """

    residual_scale: Tensor
    gate: Tensor

    def __init__(
        self,
        *,
        cell: CellName,
        n_channels: int,
        hidden: int,
        layers: int = 1,
        output: Output = "residual",
        n_inputs: int = 0,
        residual_scale: Tensor | None = None,
        skip: LinearSkip | None = None,
        counts: CountScale | None = None,
        own_lags: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if (output == "ar") != (skip is not None):
            raise ValueError(f"output {output!r} {'without' if skip is None else 'with'} a skip: 'ar' has one")
        if (output == "poisson") != (counts is not None):
            raise ValueError(f"output {output!r} {'without' if counts is None else 'with'} counts: 'poisson' has them")
        self.output, self.skip, self.counts = output, skip, counts
        self.n_channels, self.n_inputs = n_channels, n_inputs
        self.recurrent = make_cell(cell, n_channels + n_inputs, hidden, layers=layers, bias=bias)
        self.head = nn.Linear(hidden, n_channels)
        if output != "absolute":
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
        if output in ("residual", "ar"):
            scale = torch.ones(n_channels) if residual_scale is None else residual_scale
            self.register_buffer("residual_scale", scale.detach().clone())
        if output == "ar":
            self.register_buffer("gate", torch.ones(n_channels))
        self.response = SharedResponse(n_channels, own_lags) if output == "ar" and own_lags else None

    @property
    def history(self) -> int:
        """Last samples in the state, beside that of the layers."""
        if self.skip is None:
            return 0
        return self.skip.order + (0 if self.response is None else self.response.lags)

    def initial_state(self, batch: int) -> State:
        """Returns the state of `batch` streams before their first sample.

        The state of the layers is zero. With the ar output the last samples (history, batch, channel) follow, and the
        measured inputs beside them where they drive the autoregression; they are NaN, which stands for unknown: a
        stream is taken to have rested at its first sample before.
        """
        state = self.recurrent.initial_state(batch)
        if self.skip is None:
            return state
        width = self.n_channels + self.skip.n_inputs
        return *state, self.residual_scale.new_full((self.history, batch, width), torch.nan)

    def forward(
        self, x: Tensor, state: State, inputs: Tensor | None = None, *, gated: bool = True
    ) -> tuple[Tensor, State]:
        """Reads out the sample after each of `x`.

        Args:
            x: (batch, time, channel), in units of the training standard deviation.
            state: state before the first sample, as `initial_state` or the last call returned it.
            inputs: (batch, time, input) measured inputs at the same steps; None when there are none.
            gated: whether channels are gated; all are open while the network trains.

        Returns:
            Read-outs (batch, time, channel), which are predictions of x_{t+1}, or the logs of expected counts with the
            poisson output (see `expected`); and the state after the last sample.
        """
        if self.skip is None:
            outputs, state = self.recurrent(self._beside(x, inputs), state)
            return self.read_out(x, outputs), state
        *layers, past = state
        window = self._window(x, past, inputs)
        linear, innovations = self.whiten(window)
        n, sized = x.shape[1], innovations / self.residual_scale
        outputs, layers = self.recurrent(self._beside(sized[:, -n:], inputs), tuple(layers))
        response = self.respond(sized, n)
        read_out = self.read_out(linear[:, -n:], outputs, response, gated=gated)
        return read_out, (*layers, window[:, -self.history :].transpose(0, 1))

    def read_out(self, base: Tensor, outputs: Tensor, response: Tensor | None = None, *, gated: bool = True) -> Tensor:
        """Returns the read-out of x_{t+1} (..., channel).

        Args:
            base: (..., channel) what the read-out adds to: x_t, or the autoregression's y_{t+1} with the ar output.
            outputs: (..., hidden) the last layer's h_t.
            response: (..., channel) d_t, if there is one.
            gated: whether channels are gated.
        """
        prediction = wide_linear(outputs, self.head.weight, self.head.bias)
        prediction = prediction if response is None else prediction + response
        if self.output == "absolute":
            return prediction
        if self.counts is not None:
            return prediction + self.counts.log_mean
        scale = self.residual_scale * self.gate if self.output == "ar" and gated else self.residual_scale
        return torch.addcmul(base, scale, prediction)

    def expected(self, read_out: Tensor) -> Tensor:
        """Returns the predicted samples (..., channel) in model space of read-outs."""
        return read_out if self.counts is None else self.counts.expected(read_out)

    def _beside(self, x: Tensor, inputs: Tensor | None) -> Tensor:
        if inputs is None and self.n_inputs:
            raise ValueError(f"a network with {self.n_inputs} measured inputs needs them at every step")
        return x if inputs is None else torch.cat([x, inputs], dim=-1)

    def whiten(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Returns linear predictions and innovations with the ar output.

        Args:
            window: (batch, time, channel + input), samples, and the inputs beside them that drive the autoregression.

        Returns:
            Predictions (batch, time - order + 1, channel), the last of the sample after the window, and innovations
            (batch, time - order, channel) of its samples but the first `order`.
        """
        assert self.skip is not None
        # In lower precision what is missed would drown in what rounding adds.
        with torch.autocast(window.device.type, enabled=False):
            linear = self.skip(window)
            return linear, window[:, self.skip.order :, : self.n_channels] - linear[:, :-1]

    def respond(self, innovations: Tensor, steps: int) -> Tensor | None:
        """Returns d (batch, steps, channel) of the last steps; innovations in units of their size."""
        if self.response is None:
            return None
        d: Tensor = self.response(innovations[:, -(steps + self.response.lags - 1) :])
        return d

    def _window(self, x: Tensor, past: Tensor, inputs: Tensor | None) -> Tensor:
        """Returns the past samples and the new ones (batch, history + time, channel + input)."""
        assert self.skip is not None
        known, seen = past.transpose(0, 1), self._beside(x, inputs) if self.skip.n_inputs else x
        return torch.cat([torch.where(known.isnan(), seen[:, :1], known), seen], dim=1)
