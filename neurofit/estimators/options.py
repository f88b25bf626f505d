"""What can be chosen about a next-step fit, and the recipe of the founding paper. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from neurofit.preparation.options import PrepareOptions
from neurofit.training.options import TrainOptions
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions

Model = Literal["gru", "lstm", "peephole-lstm", "rnn", "gru-keras2015", "lstm-keras2015"]
Preset = Literal["nayebi2015"]
Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, kw_only=True)
class NextStepOptions:
    """Options of the next-step network."""

    model: Model = "gru"
    """Recurrent cell. peephole-lstm is what the founding paper prints, the -keras2015 cells what it probably ran."""
    output: Literal["ar", "residual", "absolute", "poisson"] = "ar"
    """Predict what the better autoregression misses of the next sample, starting as that autoregression; the change
    from the present sample, starting as persistence; the next sample itself; or the expected count of spikes in the
    next bin, by their likelihood."""
    hidden: int | Literal["channels"] | None = None
    """Hidden units; by default the number of channels, but at least 256 and at most 512."""
    layers: int = 1
    """Recurrent layers."""
    own_lags: int = 16
    """Last innovations of its own that each channel responds to, by a small network that all channels share, beside the
    recurrent one; with the ar output, 0 for none."""
    bias: bool = True
    """Biases in the recurrent cell; the founding paper prints none, and --no-bias leaves them out."""
    chunk: int | None = None
    """Steps of truncated backpropagation; by default 100, fewer for short recordings."""
    batch: int | Literal["all"] | None = None
    """Chunks in one update: parallel streams with carried state, drawn chunks with zero state. By default a 64th of
    all, 8 to 420 of them, and above 512 hidden units, whose weights are costly to read, up to 420."""
    precision: Literal["float32", "bf16"] = "float32"
    """Products of the layers while training in float32, or in bfloat16 over weights in float32 where the device can."""
    state: Literal["carried", "zero"] = "carried"
    """Whether a chunk starts from the state its predecessor ended with, or from zero."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Everything that decides the result of a next-step fit, but for the data."""

    network: NextStepOptions = field(default_factory=NextStepOptions)
    prepare: PrepareOptions = field(default_factory=PrepareOptions)
    train: TrainOptions = field(default_factory=TrainOptions)
    load: LoadOptions = field(default_factory=LoadOptions)
    device: Device = "auto"
    """Where to compute; auto takes a GPU where there is one."""
    preset: Preset | None = None
    """Recipe of a paper, under the options given beside it."""

    def as_json(self) -> dict[str, Any]:
        """The options as nested plain values."""
        plain: dict[str, Any] = dataclasses.asdict(self)
        plain["train"].pop("checkpoint_every_s")
        return plain

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FitOptions:
        """The options that `as_json` describes."""
        train = {**values["train"], "snapshot_epochs": tuple(values["train"]["snapshot_epochs"])}
        return cls(
            network=NextStepOptions(**values["network"]),
            prepare=PrepareOptions(**values["prepare"]),
            train=TrainOptions(**train),
            load=LoadOptions(**values["load"]),
            device=values["device"],
            preset=values["preset"],
        )


_GROUPS = {"network": NextStepOptions, "prepare": PrepareOptions, "train": TrainOptions, "load": LoadOptions}


def fit_options(preset: Preset | None = None, device: Device = "auto", **chosen: Any) -> FitOptions:
    """`FitOptions` from single options by name, over those of the preset.

    Args:
        preset: Recipe to start from.
        device: Where to compute.
        **chosen: Fields of `NextStepOptions`, `PrepareOptions`, `TrainOptions` and `LoadOptions`.

    Raises:
        RecordingError: No such option, or a word it does not take.
    """
    _check_word(FitOptions, "device", device)
    base = preset_options(preset)
    owners = {f.name: group for group, kind in _GROUPS.items() for f in dataclasses.fields(kind)}
    unknown = [name for name in chosen if name not in owners]
    if unknown:
        raise RecordingError("", f"unknown option {', '.join(unknown)}", expected=f"one of {', '.join(sorted(owners))}")
    for name, value in chosen.items():
        _check_word(_GROUPS[owners[name]], name, value)
    groups = {
        group: dataclasses.replace(
            getattr(base, group), **{name: value for name, value in chosen.items() if owners[name] == group}
        )
        for group in _GROUPS
    }
    return dataclasses.replace(base, device=device, **groups)


def _check_word(kind: type, name: str, value: Any) -> None:
    """Checks a text against the words that the type of an option allows, as the command line does."""
    hint = get_type_hints(kind)[name]
    words = [word for part in (hint, *get_args(hint)) if get_origin(part) is Literal for word in get_args(part)]
    if words and isinstance(value, str) and value not in words:
        raise RecordingError("", f"{name} {value!r}", expected=f"one of {', '.join(map(repr, words))}")


def check(options: FitOptions) -> None:
    """Checks the numbers of a network and its training.

    Raises:
        RecordingError: One of them is out of range.
    """
    network, train = options.network, options.train
    least = {
        "--hidden": (network.hidden, 1), "--layers": (network.layers, 1), "--own-lags": (network.own_lags, 0),
        "--chunk": (network.chunk, 1), "--batch": (network.batch, 1), "--epochs": (train.epochs, 0),
        "--patience": (train.patience, 1), "--snapshot-epochs": (min(train.snapshot_epochs, default=1), 1),
        "--seed": (train.seed, 0),
    }  # fmt: skip
    for option, (value, lowest) in least.items():
        if isinstance(value, int) and value < lowest:
            raise RecordingError("", f"{option} {value}", expected=f"{lowest} or more")
    if not 0 <= train.lr < float("inf"):
        raise RecordingError("", f"--lr {train.lr:g}", expected="a finite number of 0 or more")
    if train.clip is not None and not train.clip > 0:
        raise RecordingError("", f"--clip {train.clip:g}", expected="a number above 0, or None")


def preset_options(preset: Preset | None) -> FitOptions:
    """The options a preset stands for; the defaults for None.

    `nayebi2015` is Nayebi, Cable and Wedeen 2015, sections 2 and 4: L2 loss on z-scores over all steps, consecutive
    chunks of 1000 steps of the first 70 %, the last 30 % as dev set without a gap, zero initial state, one layer of as
    many units as channels, RMSprop, a fixed number of epochs, the last weights. The paper does not give batch,
    learning rate, clipping and decay: one batch of all chunks, 0.001, none and 0.9 are ours.
    """
    if preset is None:
        return FitOptions()
    if preset != "nayebi2015":
        raise RecordingError("", f"--preset {preset}", expected="nayebi2015")
    return FitOptions(
        network=NextStepOptions(output="absolute", hidden="channels", chunk=1000, batch="all", state="zero"),
        prepare=PrepareOptions(zscore="all", gap_ms=0.0, train_fraction=0.7, validation_fraction=0.0),
        train=TrainOptions(
            optimizer="rmsprop", lr=1e-3, clip=None, epochs=105, patience=None, keep="last", snapshot_epochs=(105,)
        ),
        preset=preset,
    )


PRESET_OURS = {"nayebi2015": ("batch", "lr", "clip")}
"""What a paper leaves open and we had to choose, by preset."""
