"""What a channel's own last innovations say about its next sample, by one small network that all channels share.

    d_t = g (w . relu(W_2 relu(W_1 [e_{t-K+1}, ..., e_t] + b_1) + b_2) + b)

A spike unfolds in much the same way wherever it is recorded, so what is learnt of it in one channel holds in all; only
the gain g is a channel's own. It starts at d = 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

WIDTH = 32
BLOCK_ENTRIES = 2**18
"""Samples whose hidden units are held at once, 64 MB; more are computed again for the backward pass."""


class SharedResponse(nn.Module):
    """The same response of every channel to its own past.

    Args:
        n_channels: channels.
        lags: K, innovations it sees.
    """

    def __init__(self, n_channels: int, lags: int) -> None:
        super().__init__()
        self.lags = lags
        self.first, self.second, self.last = nn.Linear(lags, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.gain = nn.Parameter(torch.ones(n_channels))

    def forward(self, innovations: Tensor) -> Tensor:
        """Returns d of every step that has K innovations.

        Args:
            innovations: (batch, K - 1 + n, channel), in units of their size.

        Returns:
            (batch, n, channel).
        """
        n = innovations.shape[1] - self.lags + 1
        blocks = innovations.split(max(1, BLOCK_ENTRIES // (len(innovations) * n)), dim=2)
        if len(blocks) == 1:
            return self._respond(innovations) * self.gain
        again = torch.is_grad_enabled()
        parts = [checkpoint(self._respond, b, use_reentrant=False) if again else self._respond(b) for b in blocks]
        return torch.cat(parts, dim=2) * self.gain

    def _respond(self, innovations: Tensor) -> Tensor:
        windows = innovations.transpose(1, 2).unfold(2, self.lags, 1)
        hidden = functional.relu(self.second(functional.relu(self.first(windows))))
        response: Tensor = self.last(hidden)[..., 0].transpose(1, 2)
        return response
