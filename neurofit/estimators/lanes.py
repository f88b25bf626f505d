"""One-step predictions of a long stretch of time by a recurrent network, many parts of it at once.

A stretch is cut into lanes that run side by side, each warmed up on the truth before it:

    lane 0   | w |  warm  +  S   |
    lane 1             |  warm   |   S   |
    lane 2                       |  warm |   S   |

Lane 0 warms up on the w steps that the preparation allows, the others on at least `LANE_WARMUP`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, Scored

LANES = 16
LANE_WARMUP = 400
"""Steps of truth before a lane within a stretch."""
BLOCK_ENTRIES = 2**23
"""Predictions held at a time."""
_PIECE_STEPS = 128


def network_predictions(
    network: NextStepNetwork, series: PreparedSeries, piece: Scored
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Predicts every sample of a stretch from the truth before it, streamed.

    Args:
        network: The network.
        series: The prepared recording.
        piece: What to predict, and from where on the truth may warm up the state.

    Yields:
        Pairs of the first step and predictions (steps, channels) in model space, without a hole between them.
    """
    rows = max(4 * LANE_WARMUP, BLOCK_ENTRIES // max(1, series.n_channels))
    for start in range(piece.start, piece.stop, rows):
        warm = piece.warm if start == piece.start else max(piece.warm, start - LANE_WARMUP)
        yield start, _block(network, series, Scored(warm, start, min(start + rows, piece.stop)))


def _block(network: NextStepNetwork, series: PreparedSeries, block: Scored) -> NDArray[np.float32]:
    starts, steps = _windows(block)
    out = np.empty((block.stop - block.start, series.n_channels), np.float32)
    targets = np.maximum(block.start, np.concatenate([[block.start], starts[:-1] + steps + 1]))
    for first, predicted in _run(network, series, starts, steps):
        for lane, (start, target) in enumerate(zip(starts.tolist(), targets.tolist(), strict=True)):
            skipped = max(0, target - (start + first + 1))
            rows = predicted[lane, skipped:]
            begin = start + first + 1 + skipped - block.start
            out[begin : begin + len(rows)] = rows
    return out


def _windows(block: Scored) -> tuple[NDArray[np.int64], int]:
    """First input step of every lane, and the input steps of each."""
    inputs = block.stop - 1 - block.warm
    warm = max(LANE_WARMUP, block.start - block.warm)
    lanes = min(LANES, max(1, (inputs - warm) // warm))
    if lanes == 1:
        return np.array([block.warm]), inputs
    stride = -(-(inputs - warm) // lanes)
    starts = block.warm + stride * np.arange(lanes)
    return np.minimum(starts, block.stop - 1 - (warm + stride)), warm + stride


@torch.inference_mode()
def _run(
    network: NextStepNetwork, series: PreparedSeries, starts: NDArray[np.int64], steps: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Predictions (lanes, piece, channels) of what follows the lanes' inputs, with their position in the lanes."""
    device, state = next(network.parameters()).device, network.initial_state(len(starts))
    for first in range(0, steps, _PIECE_STEPS):
        spans = [(start + first, start + min(first + _PIECE_STEPS, steps)) for start in starts.tolist()]
        x = torch.from_numpy(np.stack([series.read(*span) for span in spans])).to(device)
        u = torch.from_numpy(np.stack([series.read_inputs(*span) for span in spans])).to(device)
        read_out, state = network(x, state, u if network.n_inputs else None)
        yield first, network.expected(read_out).cpu().numpy()
