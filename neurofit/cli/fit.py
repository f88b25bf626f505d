"""`neurofit fit RECORDING --out RUN`: fit a next-step model and score it beside the trivial answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import tyro

from neurofit.cli.parse import RecordingPaths, parse, require_recording, split_commas
from neurofit.estimators.options import FitOptions, Preset, preset_options


@dataclass(frozen=True, kw_only=True)
class Arguments(FitOptions):
    """Fit a recurrent network that predicts the next sample of every channel, and score it on held-out time.

    Persistence, the mean, an autoregression of every channel and a ridge vector autoregression are fitted and scored
    beside it. Leaves config.json, scores.json, model.safetensors, figures/ and report.html in the folder --out.
    """

    recording: RecordingPaths
    """A recording: file or folder of any format that neurofit info reads; several of the same channels are laid one
    after the other."""
    out: Path
    """Folder of the run."""
    resume: Literal["never", "auto", "must"] = "never"
    """What to do with a run in --out: refuse it, go on with it if there is one, or demand one."""
    overwrite: bool = False
    """Remove a run in --out first."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    words = split_commas(split_commas(words, "--snapshot-epochs"), "--inputs")
    preset = preset_options(chosen_preset(words))
    default = Arguments(recording=tyro.MISSING, out=tyro.MISSING, **fit_fields(preset))
    arguments = parse(Arguments, words, verb="fit", default=default)
    require_recording(arguments.recording, verb="fit")
    from neurofit.estimators.next_step import NextStep
    from neurofit.estimators.tables import table_text, verdict

    model = NextStep.from_options(FitOptions(**fit_fields(arguments)))
    model.fit(
        arguments.recording,
        out=arguments.out,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        command=["neurofit", "fit", *words],
    )
    name, scores = arguments.network.model, model.scores["test"]
    print(table_text(scores, name))
    print(verdict(scores, model.fitted.validation_loss, name, "test"))
    print(f"report: {arguments.out / 'report.html'}")
    return 0


def fit_fields(options: FitOptions) -> dict[str, Any]:
    """The fields of `FitOptions` alone, of arguments that have more."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(FitOptions)}


def chosen_preset(words: Sequence[str]) -> Preset | None:
    """The preset among the words of a verb, found before they are parsed because it changes the defaults."""
    for i, word in enumerate(words):
        name = word.removeprefix("--preset=") if word.startswith("--preset=") else ""
        if word == "--preset" and i + 1 < len(words):
            name = words[i + 1]
        if name in get_args(Preset):
            return name  # type: ignore[return-value]
    return None
