"""What the defaults become for a recording, and the network they make."""

from __future__ import annotations

import torch
from numpy.typing import NDArray

from neurofit.estimators.options import PRESET_OURS, FitOptions, NextStepOptions
from neurofit.estimators.stored import Shape
from neurofit.linear import Baselines
from neurofit.models import CountScale, LinearSkip, NextStepNetwork
from neurofit.preparation import PreparedSeries, consecutive_chunks

LEAST_HIDDEN, MOST_HIDDEN = 256, 512
DEFAULT_CHUNK = 100
UPDATES, LEAST_BATCH, MOST_BATCH = 64, 8, 420
"""An epoch has about that many updates, within these bounds of chunks in an update."""


def shape_for(series: PreparedSeries, options: NextStepOptions) -> Shape:
    """The shape of the network and of its chunks: what was asked for, or what suits the recording.

    Args:
        series: The prepared recording.
        options: Options of the network.
    """
    channels = series.n_channels
    longest = max((stretch.n_steps for stretch in series.spans["train"]), default=0)
    hidden = channels if options.hidden == "channels" else options.hidden
    hidden = hidden or min(MOST_HIDDEN, max(LEAST_HIDDEN, channels))
    chunk = options.chunk or max(1, min(DEFAULT_CHUNK, (longest - 1) // 4))
    chunks = len(consecutive_chunks(series.spans["train"], chunk))
    batch = chunks if options.batch == "all" else options.batch or _default_batch(chunks, hidden)
    return Shape(channels, series.n_inputs, hidden, chunk, max(1, min(batch, chunks)))


def _default_batch(chunks: int, hidden: int) -> int:
    if hidden > MOST_HIDDEN:
        return MOST_BATCH
    return min(MOST_BATCH, max(LEAST_BATCH, chunks // UPDATES))


def new_network(
    options: NextStepOptions,
    shape: Shape,
    *,
    scale: NDArray | None = None,
    skip: LinearSkip | None = None,
    counts: CountScale | None = None,
) -> NextStepNetwork:
    """A network with fresh weights.

    Args:
        options: Options of the network.
        shape: Its shape.
        scale: (channel,) size of what the head predicts, in model space; ones when None.
        skip: The autoregression under the ar output.
        counts: What samples mean in counts, with the poisson output.
    """
    return NextStepNetwork(
        cell=options.model,
        n_channels=shape.n_channels,
        hidden=shape.hidden,
        layers=options.layers,
        output=options.output,
        n_inputs=shape.n_inputs,
        residual_scale=None if scale is None else torch.from_numpy(scale),
        skip=skip,
        counts=counts,
        own_lags=options.own_lags,
        bias=options.bias,
    )


def announcement(series: PreparedSeries, options: FitOptions, shape: Shape) -> str:
    """What is about to be fitted, with the defaults that were chosen, for the terminal."""
    network = options.network
    lines = [
        f"{series.name}: {series.n_channels} channels, {series.n_steps} steps of {series.dt_ms:g} ms",
        f"{network.model}, {network.output} output, {network.layers} x {shape.hidden} hidden units, "
        f"{shape.batch} chunks of {shape.chunk} steps an update, {network.state} state{_chosen(network)}",
    ]
    if series.n_inputs:
        lines.append(f"measured inputs: {', '.join(series.input_names)}")
    if options.preset is not None:
        lines.append(f"preset {options.preset}: {', '.join(PRESET_OURS[options.preset])} are ours, the paper is silent")
    return "\n".join(lines)


def _chosen(network: NextStepOptions) -> str:
    """Which parts of the shape were chosen for the recording."""
    left = [name for name in ("hidden", "batch", "chunk") if getattr(network, name) is None]
    return f" ({', '.join(left)} by default)" if left else ""


def baseline_line(baselines: Baselines) -> str:
    """What was fitted beside the network, with its validation errors, for the terminal."""
    fitted = {"ar": baselines.ar, "var": baselines.var, "arx": baselines.arx}
    orders = {name: predictor.order for name, predictor in fitted.items() if predictor is not None}
    names = {name: f"{name}({orders[name]})" if name in orders else name for name in baselines.validation_mse}
    errors = ", ".join(f"{names[name]} {mse:.4g}" for name, mse in baselines.validation_mse.items())
    missing = {"var": baselines.var_note, "arx": baselines.arx_note}
    notes = "".join(f"; no {name}: {note}" for name, note in missing.items() if note is not None)
    return f"baselines on validation: {errors}{notes}"
