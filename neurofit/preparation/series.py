"""`PreparedSeries`: a continuous recording in model space, with its spans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.splitting import Scored, Split, Stretches, count, scored
from neurofit.preparation.standardising import Standardiser
from neurofit_io import RecordingError, Signal

Span = Literal["train", "validation", "test", "all"]

_INPUTS = "inputs."


@dataclass(frozen=True, eq=False)
class Frozen:
    """What a model remembers of its preparation, to have another recording prepared alike.

    Attributes:
        channel_ids: Channels the model knows, in its order.
        dt_ms: Length of a step, ms.
        max_order: Highest autoregressive order that was considered.
        standardiser: Physical units to model space.
        input_names: Labels of the measured inputs the model is given, in its order.
        input_standardiser: Their physical units to the model's; None without inputs.
    """

    channel_ids: NDArray
    dt_ms: float
    max_order: int
    standardiser: Standardiser
    input_names: tuple[str, ...] = ()
    input_standardiser: Standardiser | None = None

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The arrays, for a tensor file; those of the inputs are called `inputs.*`."""
        inputs = {} if self.input_standardiser is None else self.input_standardiser.state()
        return self.standardiser.state() | {f"{_INPUTS}{name}": array for name, array in inputs.items()}

    def as_json(self) -> dict[str, Any]:
        """The rest, for a JSON file."""
        return {
            "channel_ids": self.channel_ids.tolist(),
            "dt_ms": self.dt_ms,
            "max_order": self.max_order,
            "input_names": list(self.input_names),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.float64]], description: Mapping[str, Any]) -> Frozen:
        """What `state()` and `as_json()` describe."""
        ids, dt_ms, order = (description[name] for name in ("channel_ids", "dt_ms", "max_order"))
        names = tuple(description.get("input_names", ()))
        of_inputs = {key.removeprefix(_INPUTS): array for key, array in state.items() if key.startswith(_INPUTS)}
        return cls(
            np.asarray(ids), float(dt_ms), int(order), Standardiser.from_state(state),
            names, Standardiser.from_state(of_inputs) if names else None,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class MeasuredInputs:
    """What is measured beside a series and given to the model, at the same steps.

    Attributes:
        names: Labels, (inputs,).
        signal: In physical units, (steps, inputs).
        standardiser: Physical units to mean 0 and standard deviation 1 over the training span.
        resident: Standardised, in memory, read-only, (steps, inputs); None when too large for it.
    """

    names: tuple[str, ...]
    signal: Signal
    standardiser: Standardiser
    resident: NDArray[np.float32] | None

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Steps `start:stop`, standardised, (stop - start, inputs)."""
        if self.resident is not None:
            return self.resident[start:stop]
        return self.standardiser.apply(self.signal.read(start, stop))


@dataclass(frozen=True, eq=False)
class PreparedSeries:
    """A continuous signal in model space, read when needed, time first.

    Steps count from 0 through what `--time` left of the signal; where it was filtered, resampled or decimated, through
    its usable stretches one after the other. `excluded` names the channels left out, by reason: `missing` (more than
    half of the values) and `constant` (in the training span).

    Attributes:
        name: Name of the signal.
        kind: What it is, such as `vm` or `counts`.
        unit: Physical unit.
        dt_ms: Length of a step, ms.
        channel_ids: Labels of the included channels, (channels,).
        columns: Their positions in the recording's signal, (channels,).
        excluded: Labels of the channels left out, by reason.
        standardiser: Physical units to model space.
        usable: All stretches without a gap, a sweep edge or a missing value.
        split: Train, validation and test.
        notes: What was cut, left out, floored or leaks, a sentence each.
        signal: The included channels in physical units, conditioned, (steps, channels).
        resident: Model space in memory, read-only, (steps, channels); None above 1 GB.
        inputs: What the model is given beside it; None when nothing was asked for.
    """

    name: str
    kind: str
    unit: str
    dt_ms: float
    channel_ids: NDArray
    columns: NDArray[np.intp]
    excluded: Mapping[str, list]
    standardiser: Standardiser
    usable: Stretches
    split: Split
    notes: tuple[str, ...]
    signal: Signal
    resident: NDArray[np.float32] | None
    inputs: MeasuredInputs | None = None

    @property
    def n_steps(self) -> int:
        return self.signal.shape[0]

    @property
    def n_channels(self) -> int:
        return len(self.channel_ids)

    @property
    def n_inputs(self) -> int:
        """Number of measured inputs."""
        return len(self.input_names)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Labels of the measured inputs, (inputs,)."""
        return () if self.inputs is None else self.inputs.names

    @property
    def place(self) -> str:
        """File and path of the signal, for messages."""
        return self.signal.source.place

    @property
    def validation_is_test(self) -> bool:
        """Whether there was no carve-out, so that what is chosen on validation has seen the test span."""
        return self.split.validation is self.split.test

    @property
    def max_order(self) -> int:
        """Highest autoregressive order to consider."""
        return self.split.max_order

    @property
    def warmup_steps(self) -> int:
        """Steps of truth a model is fed before it is scored."""
        return self.split.warmup_steps

    @property
    def score_scale(self) -> NDArray[np.float64]:
        """Error in units of the training standard deviation = model-space error * score_scale, (channels,)."""
        return self.standardiser.score_scale

    @property
    def score_mean(self) -> NDArray[np.float64]:
        """The training mean in model space, (channels,)."""
        return self.standardiser.score_mean

    @cached_property
    def spans(self) -> Mapping[str, Stretches]:
        """The stretches of `train`, `validation` and `test`."""
        return {"train": self.split.train, "validation": self.split.validation, "test": self.split.test}

    def stretches(self, span: Span) -> Stretches:
        """The stretches of a span; `all` is every usable step."""
        return self.usable if span == "all" else self.spans[span]

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Steps `start:stop` in model space, (stop - start, channels), read-only; NaN where values are missing."""
        if self.resident is not None:
            return self.resident[start:stop]
        return self.standardiser.apply(self.read_physical(start, stop))

    def read_physical(self, start: int, stop: int) -> NDArray[np.float32]:
        """Steps `start:stop` in `unit`, (stop - start, channels)."""
        return self.signal.read(start, stop)

    def read_inputs(self, start: int, stop: int) -> NDArray[np.float32]:
        """Measured inputs u_t of steps `start:stop`, standardised, (stop - start, inputs); no column without any."""
        return np.empty((stop - start, 0), np.float32) if self.inputs is None else self.inputs.read(start, stop)

    def values(self) -> NDArray[np.float32] | None:
        """All steps in model space, (steps, channels), read-only; None when they need more than 1 GB."""
        return self.resident

    def time_s(self, start: int, stop: int) -> NDArray[np.float64]:
        """Times of steps `start:stop`, s."""
        return self.signal.time_s(start, stop)

    def in_score_units(self, values: NDArray[Any]) -> NDArray[Any]:
        """Model space (..., channels) to units of the training standard deviation about the training mean."""
        return (values - self.score_mean) * self.score_scale

    def scored(self, span: Span) -> tuple[Scored, ...]:
        """Where to warm up and where to score in a span; stretches that the warm-up uses up are not in it."""
        return scored(self.stretches(span), self.usable, warmup_steps=self.warmup_steps)

    def frozen(self) -> Frozen:
        """What a model has to remember to prepare another recording alike."""
        of_inputs = None if self.inputs is None else self.inputs.standardiser
        return Frozen(self.channel_ids, self.dt_ms, self.max_order, self.standardiser, self.input_names, of_inputs)

    def require(self, chunk: int) -> None:
        """Checks that there is enough to train on in chunks of `chunk` steps, and to score.

        Raises:
            RecordingError: It says how many steps there are and how many are needed.
        """
        longest = max((stretch.n_steps for stretch in self.split.train), default=0)
        if longest <= chunk:
            raise RecordingError(
                self.place, f"{count(self.usable)} usable steps, the longest training stretch has {longest}",
                expected=f"at least {chunk + 1} for a chunk of {chunk}", do="use a smaller --chunk",
            )  # fmt: skip
        spans: tuple[Span, ...] = ("validation", "test")
        for span in spans:
            if not self.scored(span):
                stretches = self.spans[span]
                raise RecordingError(
                    self.place, f"no step of the {span} span can be scored: {count(stretches)} steps in "
                    f"{len(stretches)} stretches", expected=f"one longer than the warm-up of {self.warmup_steps} steps",
                    do="use more time, or a shorter --warmup-ms or --gap-ms",
                )  # fmt: skip
