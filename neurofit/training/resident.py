"""A recording that lies whole on the device: an update says where its chunks begin, in tensors, and nothing is copied.

What is read depends on values on the device alone, so a recorded step (`graph.py`) reads other rows at every replay.
"""

from __future__ import annotations

import torch
from torch import Tensor


class ResidentSeries:
    """Rows of a recording by the step they begin at.

    Args:
        values: (time, channel), on the device.
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def chunks(self, starts: Tensor, steps: int) -> Tensor:
        """Returns the rows from each start on.

        Args:
            starts: (batch,) int64, on the device; `starts + steps` lies within the recording.
            steps: Rows of a chunk.

        Returns:
            (batch, steps, channel).
        """
        return self.values[starts[:, None] + torch.arange(steps, device=starts.device)]

    def before(self, starts: Tensor, begins: Tensor, steps: int) -> Tensor:
        """Returns the rows before each start, NaN where its stretch does not reach back as far.

        Args:
            starts: (batch,) int64, on the device.
            begins: (batch,) int64, the first step of the stretch that each start lies in.
            steps: Rows before a start.

        Returns:
            (steps, batch, channel), oldest first.
        """
        rows = starts + torch.arange(-steps, 0, device=starts.device)[:, None]
        return torch.where((rows >= begins)[:, :, None], self.values[rows.clamp(min=0)], torch.nan)
