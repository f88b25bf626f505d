"""Redraw figures 1 to 11 of Nayebi, Cable and Wedeen 2015 on a recording of one's choice, and judge its claims.

python examples/nayebi2015_figures.py examples/data/bionet_60cells --signal extracellular --out nayebi --epochs 60

Every network is an ordinary run in OUT/runs; the same command goes on where it stopped. A file that is read only with
options is converted first, by neurofit convert. Beside the paper's panels of training time stand the same of held-out
time, with persistence and an autoregression. OUT/verdicts.md says what is left of each claim.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from nayebi2015.claims import judge
from nayebi2015.drawing import loss_figure, trace_figure
from nayebi2015.lab import VOLTAGES, Lab
from nayebi2015.plan import STAGES, PaperFigure, Plan, make_plan
from nayebi2015.windows import Window, make_windows, window_traces
from nayebi2015.writing import write_verdicts

from neurofit import NextStep, figures, load
from neurofit.cli.parse import split_commas
from neurofit.metrics import spike_thresholds, threshold_crossings
from neurofit.preparation import PreparedSeries, prepare
from neurofit.training.signals import Interrupted
from neurofit_io import RecordingError, RecordingWarning
from neurofit_io.files import write_bytes


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Redraw figures 1 to 11 of Nayebi, Cable and Wedeen 2015, and judge its claims in-sample and held out."""

    recording: tyro.conf.Positional[Path]
    """A recording: file or folder of any format that neurofit info reads."""
    out: Path
    """Folder of the figures, the verdicts and the runs."""
    signal: str | None = None
    """Signal to use, as neurofit info lists it; needed when there are several."""
    time: str | None = None
    """Use only this time, A:B in s."""
    epochs: int = STAGES[-1]
    """Epochs that stand for the paper's 1000; its 105, 255 and 605 shrink in proportion."""
    models: tuple[str, ...] = ("gru", "lstm", "peephole-lstm")
    """Recurrent cells: the first GRU is the paper's, all others stand for its LSTM."""
    chunks: tuple[int, ...] = (1000, 3000)
    """Steps of a chunk: the paper's 1000, and its 3000."""
    channels: tuple[int, ...] = ()
    """One or two columns of the signal to show, counted from 0; by default the most and the median active one."""
    hidden: int | Literal["channels"] = "channels"
    """Hidden units; as many as channels in the paper."""
    lr: float = 1e-3
    """Learning rate, which the paper does not give."""
    seeds: int = 1
    """Runs of every network; a claim has to hold with each of them."""
    long: bool = False
    """Train every cell in every chunk through all epochs, also where the paper stopped earlier."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""


def main(words: Sequence[str]) -> int:
    """Runs the script; returns the exit code."""
    for option in ("--models", "--chunks", "--channels"):
        words = split_commas(words, option)
    arguments = tyro.cli(Arguments, args=list(words), config=(tyro.conf.FlagCreatePairsOff,))
    try:
        redraw(arguments)
    except Interrupted as stop:
        print(f"{stop}; the same command goes on from there", file=sys.stderr)
        return 128 + stop.signum
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def redraw(arguments: Arguments) -> None:
    """Fits, draws and judges."""
    if arguments.seeds < 1:
        raise RecordingError("", f"--seeds {arguments.seeds}", expected="1 or more")
    shared: dict[str, Any] = {name: getattr(arguments, name) for name in ("signal", "time", "hidden", "lr", "device")}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recording = load(arguments.recording)
        series = prepare(recording, NextStep(preset="nayebi2015", **shared).options.prepare)
    channels = chosen_channels(series, arguments.channels)
    plan = make_plan(
        arguments.models, arguments.chunks, epochs=arguments.epochs, n_channels=len(channels),
        longest=max(stretch.n_steps for stretch in series.spans["train"]), every=arguments.long,
    )  # fmt: skip
    windows, shortened = make_windows(series, min(arm.chunk for arm in plan.arms))
    notes = [*dict.fromkeys(str(each.message) for each in caught), *plan.notes, *shortened]
    notes += [f"figure {number} left out: {why}" for number, why in plan.skipped.items()]
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    lab = Lab(recording, series, plan, arguments.out / "runs", seeds=arguments.seeds, **shared)
    with warnings.catch_warnings():
        # Said once above; every run would say it again.
        warnings.simplefilter("ignore", RecordingWarning)
        lab.fit()
        for figure in plan.figures:
            path = arguments.out / f"figure_{figure.number:02d}.png"
            write_bytes(path, figures.figure_png(draw(lab, figure, windows, channels)))
        facts = {
            "recording": arguments.recording.resolve().name, "signal": series.name, "epochs": arguments.epochs,
            "seeds": arguments.seeds, "channels": series.columns[list(channels)].tolist(),
            "notes": [*notes, *_reading(plan, series, arguments.seeds)],
        }  # fmt: skip
        print(write_verdicts(arguments.out, lab, judge(lab, channels), facts))
    print(f"{len(plan.figures)} figures, verdicts.md and verdicts.json in {arguments.out}")


def chosen_channels(series: PreparedSeries, columns: Sequence[int]) -> tuple[int, ...]:
    """Positions of the channels to show.

    Args:
        series: The prepared recording.
        columns: Columns of its signal; none for the most and the median active channel of the training span, by
            spikes, or by their largest excursion where the signal has none.

    Raises:
        RecordingError: More than two, or one that was not prepared.
    """
    if columns:
        place = {int(column): i for i, column in enumerate(series.columns)}
        missing = [column for column in columns if column not in place]
        if missing or len(set(columns)) < len(columns) or len(columns) > 2:
            found = ",".join(map(str, columns))
            raise RecordingError(
                series.place, f"--channels {found}", expected=f"one or two of the {len(place)} columns in use"
            )
        return tuple(place[column] for column in columns)
    values = series.read(*max(series.spans["train"], key=lambda stretch: stretch.n_steps))
    activity = np.abs(values - np.median(values, axis=0)).max(axis=0)
    if series.kind in VOLTAGES:
        thresholds = spike_thresholds(values, kind=VOLTAGES[series.kind])
        trains = threshold_crossings(values, thresholds, rate_hz=1000 / series.dt_ms)
        if any(map(len, trains)):
            activity = np.array([len(train) for train in trains])
    order = np.argsort(-activity, kind="stable")
    return tuple(dict.fromkeys((int(order[0]), int(order[len(order) // 2]))))


def draw(lab: Lab, figure: PaperFigure, windows: Sequence[Window], channels: Sequence[int]) -> Any:
    """One figure of the paper."""
    plan, stage = lab.plan, figure.snapshots[0].stage
    epoch = plan.epoch(stage)
    title = f"Figure {figure.number} of the paper at epoch {epoch} (the paper's {stage})"
    snapshots = {each.arm.name: each for each in figure.snapshots}
    if not figure.channels:
        some = lab.models[figure.snapshots[0].arm, 0]
        rows = {name: lab.history(each.arm, 0)[:epoch] for name, each in snapshots.items()}
        scores = some.scores["test"]
        free = {name: scores[f"mse_{name}"]["pooled"] for name in ("persistence", "mean", "ar", "var")}
        known = {name: mse for name, mse in free.items() if mse is not None}
        return loss_figure(rows, known, n_channels=lab.series.n_channels, title=f"{title}: training and dev loss")
    shown = [
        (f"channel {lab.series.channel_ids[channels[i]]}, {window.where}",
         window_traces(lab, snapshots, window, channels[i]))
        for i in figure.channels
        for window in windows
    ]  # fmt: skip
    steps = windows[0].forced - windows[0].start
    title = f"{title}: first {steps} steps one step ahead from the truth, then {len(shown[0][1].time_s) - steps} free"
    return trace_figure(shown, list(snapshots), title=title, signal=lab.series.name, unit=lab.series.unit)


def _reading(plan: Plan, series: PreparedSeries, seeds: int) -> list[str]:
    """What a reader of the verdicts has to know."""
    same = "; ".join(f"{stage}: {plan.epoch(stage)}" for stage in STAGES)
    return [
        f"epochs for the paper's {same}; {seeds} seed{'s' * (seeds > 1)} an arm, and an interval says nothing about "
        "another seed; figures show seed 0",
        f"{series.n_channels} channels; errors are one step ahead from the truth unless said otherwise",
        "the paper standardises by all of time, and its dev span is our test span: nothing was chosen on it",
        "the paper gives neither batch nor learning rate: one batch of all chunks and the learning rate here are ours",
        "the paper does not say whether its outputs are one step ahead or free: its figures are redrawn as one step "
        "ahead, with 15 free steps at the end",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
