"""`neurofit compare RECORDING --out FOLDER`: next-step models of several cells and sizes, ranked on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from neurofit.cli.fit import chosen_preset, fit_fields
from neurofit.cli.parse import RecordingPaths, parse, require_recording, split_commas
from neurofit.estimators.grid import Grid
from neurofit.estimators.options import FitOptions, Model, NextStepOptions, preset_options
from neurofit.training.options import TrainOptions

_LISTS = ("--models", "--hidden", "--layers", "--chunk", "--inputs", "--snapshot-epochs")


@dataclass(frozen=True, kw_only=True)
class SharedNetwork(NextStepOptions):
    """Options that all networks share."""

    model: Annotated[Model, tyro.conf.Fixed, tyro.conf.Suppress] = "gru"
    hidden: Annotated[int | Literal["channels"] | None, tyro.conf.Fixed, tyro.conf.Suppress] = None
    layers: Annotated[int, tyro.conf.Fixed, tyro.conf.Suppress] = 1
    chunk: Annotated[int | None, tyro.conf.Fixed, tyro.conf.Suppress] = None


@dataclass(frozen=True, kw_only=True)
class SharedTraining(TrainOptions):
    """Options of the training loop, which all networks share."""

    seed: Annotated[int, tyro.conf.Fixed, tyro.conf.Suppress] = 0


@dataclass(frozen=True, kw_only=True)
class Arguments(Grid, FitOptions):
    """Fit next-step models of every given cell, size and chunk with several seeds, and rank them on validation.

    Each is a run as neurofit fit makes it, in a folder of its own in --out, beside comparison.json, figures/ and
    report.html. Given again with --resume auto, the command fits only what is missing, also after more sizes are asked.
    """

    recording: RecordingPaths
    """A recording: file or folder of any format that neurofit info reads; several of the same channels are laid one
    after the other."""
    out: Path
    """Folder of the comparison."""
    resume: Literal["never", "auto", "must"] = "never"
    """What to do with a comparison in --out: refuse it, go on with it if there is one, or demand one."""
    overwrite: bool = False
    """Remove a comparison in --out first, with all its runs."""
    network: SharedNetwork = field(default_factory=SharedNetwork)
    train: SharedTraining = field(default_factory=SharedTraining)


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    for option in _LISTS:
        words = split_commas(words, option)
    arguments = parse(Arguments, words, verb="compare", default=_defaults(words))
    require_recording(arguments.recording, verb="compare")
    from neurofit.estimators.comparison import compare
    from neurofit.estimators.comparison_report import comparison_text, comparison_verdict

    comparison = compare(
        arguments.recording,
        Grid(**{name: getattr(arguments, name) for name in Grid.__dataclass_fields__}),
        FitOptions(**fit_fields(arguments)),
        out=arguments.out,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        command=["neurofit", "compare", *words],
    )
    print(comparison_text(comparison))
    print(comparison_verdict(comparison))
    print(f"report: {arguments.out / 'report.html'}")
    return 0


def _defaults(words: Sequence[str]) -> Arguments:
    preset = fit_fields(preset_options(chosen_preset(words)))
    network, train = SharedNetwork(**vars(preset.pop("network"))), SharedTraining(**vars(preset.pop("train")))
    return Arguments(recording=tyro.MISSING, out=tyro.MISSING, network=network, train=train, **preset)
