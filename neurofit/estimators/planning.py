"""What the defaults become for a recording, and the network they make."""

from __future__ import annotations

import torch
from numpy.typing import NDArray

from neurofit.estimators.options import PRESET_OURS, FitOptions, NextStepOptions
from neurofit.estimators.stored import Shape
from neurofit.linear import Baselines
from neurofit.models import LinearSkip, NextStepNetwork
from neurofit.preparation import PreparedSeries

LEAST_HIDDEN, MOST_HIDDEN = 64, 512
DEFAULT_CHUNK = 100


def shape_for(series: PreparedSeries, options: NextStepOptions) -> Shape:
    """The shape of the network and of its chunks: what was asked for, or what suits the recording.

    Args:
        series: The prepared recording.
        options: Options of the network.
    """
    channels = series.n_channels
    longest = max((stretch.n_steps for stretch in series.spans["train"]), default=0)
    hidden = channels if options.hidden == "channels" else options.hidden
    return Shape(
        n_channels=channels,
        hidden=hidden or min(MOST_HIDDEN, max(LEAST_HIDDEN, channels)),
        chunk=options.chunk or max(1, min(DEFAULT_CHUNK, (longest - 1) // 4)),
    )


def new_network(
    options: NextStepOptions, shape: Shape, scale: NDArray | None = None, skip: LinearSkip | None = None
) -> NextStepNetwork:
    """A network with fresh weights.

    Args:
        options: Options of the network.
        shape: Its shape.
        scale: (channel,) size of what the head predicts, in model space; ones when None.
        skip: The autoregression under the ar output.
    """
    return NextStepNetwork(
        cell=options.model,
        n_channels=shape.n_channels,
        hidden=shape.hidden,
        layers=options.layers,
        output=options.output,
        residual_scale=None if scale is None else torch.from_numpy(scale),
        skip=skip,
        bias=options.bias,
    )


def announcement(series: PreparedSeries, options: FitOptions, shape: Shape) -> str:
    """What is about to be fitted, with the defaults that were chosen, for the terminal."""
    network = options.network
    lines = [
        f"{series.name}: {series.n_channels} channels, {series.n_steps} steps of {series.dt_ms:g} ms",
        f"{network.model}, {network.output} output, {network.layers} x {shape.hidden} hidden units"
        f"{' (by default the channels, 64 to 512)' if network.hidden is None else ''}, chunks of {shape.chunk} steps",
    ]
    if options.preset is not None:
        lines.append(f"preset {options.preset}: {', '.join(PRESET_OURS[options.preset])} are ours, the paper is silent")
    return "\n".join(lines)


def baseline_line(baselines: Baselines) -> str:
    """What was fitted beside the network, with its validation errors, for the terminal."""
    orders = {"ar": baselines.ar.order, **({"var": baselines.var.order} if baselines.var else {})}
    names = {name: f"{name}({orders[name]})" if name in orders else name for name in baselines.validation_mse}
    errors = ", ".join(f"{names[name]} {mse:.4g}" for name, mse in baselines.validation_mse.items())
    note = "" if baselines.var_note is None else f"; no var: {baselines.var_note}"
    return f"baselines on validation: {errors}{note}"
