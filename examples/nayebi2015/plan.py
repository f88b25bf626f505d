"""What the paper fitted and what its figures show, as a plan for a recording that may be shorter.

The paper trained a GRU and an LSTM on chunks of 1000 steps, and the GRU on chunks of 3000 steps too. It looked at them
after 105, 255, 605 and 1000 epochs, the LSTM after 105 and 255 only, the GRU with longer chunks after 105 only. With
E epochs in all, its epoch e becomes epoch round(e E / 1000), at least 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from neurofit_io import RecordingError

STAGES = (105, 255, 605, 1000)
"""Epochs after which the paper looked at a network."""


class Arm(NamedTuple):
    """One network trained in one way."""

    model: str
    chunk: int

    @property
    def name(self) -> str:
        """Such as `gru-c1000`."""
        return f"{self.model}-c{self.chunk}"


class Snapshot(NamedTuple):
    """An arm at one of the paper's epochs."""

    arm: Arm
    stage: int


@dataclass(frozen=True)
class PaperFigure:
    """One figure of the paper.

    Attributes:
        number: The paper's number.
        snapshots: What its panels show, from left to right.
        channels: Which of the two channels it shows, a row each; none for a figure of losses.
    """

    number: int
    snapshots: tuple[Snapshot, ...]
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is fitted and drawn.

    Attributes:
        epochs: Epochs that stand for the paper's 1000.
        arms: The last of the paper's epochs that each arm is trained to.
        figures: The figures that can be drawn, by the paper's numbers.
        skipped: Why a figure is not drawn, by its number.
        notes: What is other than in the paper, a sentence each.
    """

    epochs: int
    arms: dict[Arm, int]
    figures: tuple[PaperFigure, ...]
    skipped: dict[int, str]
    notes: tuple[str, ...]

    @property
    def gru(self) -> Arm | None:
        """The arm the paper is about: the first GRU with the first chunk."""
        return next((arm for arm in self.arms if arm.model.startswith("gru")), None)

    @property
    def rivals(self) -> tuple[Arm, ...]:
        """All other models with the GRU's chunk."""
        gru = self.gru
        return () if gru is None else tuple(a for a in self.arms if a.chunk == gru.chunk and a != gru)

    @property
    def longer(self) -> Arm | None:
        """The same GRU with the second chunk."""
        return next((arm for arm in self.arms if self.gru and arm.model == self.gru.model and arm != self.gru), None)

    def epoch(self, stage: int) -> int:
        """The epoch that stands for one of the paper's."""
        return max(1, round(stage * self.epochs / STAGES[-1]))

    def stages(self, arm: Arm) -> tuple[int, ...]:
        """The paper's epochs at which an arm is looked at."""
        return tuple(stage for stage in STAGES if stage <= self.arms[arm])


def make_plan(
    models: Sequence[str], chunks: Sequence[int], *, epochs: int, n_channels: int, longest: int, every: bool = False
) -> Plan:
    """Plans the arms and figures for a recording.

    Args:
        models: Recurrent cells; the first whose name begins with gru is the paper's GRU, all others stand for its LSTM.
        chunks: Steps of a chunk; the first is the paper's 1000, the second its 3000.
        epochs: Epochs that stand for the paper's 1000.
        n_channels: Channels to show, 1 or 2.
        longest: Steps of the longest stretch of training time.
        every: Train every model in every chunk through all epochs, not only those the paper could.

    Raises:
        RecordingError: A number or a list is out of range.
    """
    for option, values in (("--models", models), ("--chunks", chunks)):
        if not values or len(set(values)) < len(values):
            raise RecordingError("", f"{option} {','.join(map(str, values))}", expected="one or more, each once")
    if len(chunks) > 2 or min(chunks) < 1 or epochs < 1:
        raise RecordingError("", f"--chunks {chunks} --epochs {epochs}", expected="one or two chunks, all 1 or more")
    fitting, notes = _fitting(chunks, longest)
    grus = [model for model in models if model.startswith("gru")]
    arms = {Arm(model, fitting[0]): STAGES[-1] if every or model in grus[:1] else STAGES[1] for model in models}
    for chunk in fitting[1:]:
        arms |= {Arm(model, chunk): STAGES[-1] if every else STAGES[0] for model in (models if every else grus[:1])}
    plan = Plan(epochs, arms, (), {}, notes)
    if len({plan.epoch(stage) for stage in STAGES}) < len(STAGES):
        notes = *notes, f"{epochs} epochs: some of the paper's epochs {STAGES} fall on the same epoch"
    figures, skipped = _figures(plan, n_channels)
    return Plan(epochs, arms, figures, skipped, notes)


def _fitting(chunks: Sequence[int], longest: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Chunks that the training time holds, and what was shortened or left out."""
    fitting: list[int] = []
    notes = []
    for chunk in chunks:
        shorter = min(chunk, longest - 1)
        if shorter < chunk:
            notes.append(f"chunks of {chunk} steps shortened to {shorter}: the training span has {longest} steps")
        if shorter in fitting or shorter < 1:
            notes.append(f"chunks of {chunk} steps left out: shortened they are as long as others")
            continue
        fitting.append(shorter)
    if not fitting:
        raise RecordingError("", f"a training span of {longest} steps", expected="2 or more")
    return tuple(fitting), tuple(notes)


def _figures(plan: Plan, n_channels: int) -> tuple[tuple[PaperFigure, ...], dict[int, str]]:
    gru, rivals, longer = plan.gru, plan.rivals, plan.longer
    first, second, third, last = STAGES
    if gru is None:
        return (), dict.fromkeys(range(1, 12), "there is no GRU among --models")
    cells, chunks = (gru, *rivals), (gru,) if longer is None else (gru, longer)
    both = tuple(range(n_channels))
    wanted = [
        _figure(1, cells, second), _figure(2, cells, first, 0), _figure(3, cells, first, 1),
        _figure(4, cells, second, 0), _figure(5, cells, second, 1), _figure(6, chunks, first),
        _figure(7, chunks, first, 0), _figure(8, chunks, first, 1), _figure(9, (gru,), last),
        _figure(10, (gru,), third, *both), _figure(11, (gru,), last, *both),
    ]  # fmt: skip
    skipped = {}
    for figure in wanted:
        if figure.number <= 5 and not rivals:
            skipped[figure.number] = "there is no LSTM among --models"
        elif 6 <= figure.number <= 8 and longer is None:
            skipped[figure.number] = "there is no second chunk"
        elif any(channel >= n_channels for channel in figure.channels):
            skipped[figure.number] = "only one channel is shown"
    return tuple(figure for figure in wanted if figure.number not in skipped), skipped


def _figure(number: int, arms: Sequence[Arm], stage: int, *channels: int) -> PaperFigure:
    return PaperFigure(number, tuple(Snapshot(arm, stage) for arm in arms), channels)
