"""Fits that end when their CPU time is spent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from neurofit.estimators import fitting
from neurofit.estimators.baselines import fit_series_baselines
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.linear import Baselines
from neurofit.preparation import PreparedSeries


class Clock:
    """CPU time of one fit, from its baselines to its last validation.

    Attributes:
        budget_s: What it may spend, s.
        spent_s: What it had spent when its last epoch ended, s.
        epochs: Epochs that ended.
    """

    def __init__(self, budget_s: float) -> None:
        self.budget_s, self.spent_s, self.epochs = budget_s, 0.0, 0
        self.start()

    def start(self) -> None:
        """The fit begins."""
        self._began = self._trained_from = time.process_time()

    def start_training(self) -> None:
        """The first epoch begins."""
        self._trained_from = time.process_time()

    def end_epoch(self) -> None:
        """An epoch ends."""
        self.spent_s, self.epochs = time.process_time() - self._began, self.epochs + 1

    @property
    def is_up(self) -> bool:
        """Whether one more epoch, as long as those before, would pass the budget."""
        before = self._trained_from - self._began
        return self.epochs > 0 and self.spent_s + (self.spent_s - before) / self.epochs > self.budget_s


@contextmanager
def fits_within(clock: Clock) -> Iterator[None]:
    """Ends `NextStep.fit` before the epoch that would pass the budget; scores and report come on top of it."""

    def baselines_of(series: PreparedSeries) -> Baselines:
        clock.start()
        baselines = fit_series_baselines(series)
        clock.start_training()
        return baselines

    class Budgeted(NextStepProgram):
        def validate(self) -> Mapping[str, float]:
            losses = super().validate()
            clock.end_epoch()
            return losses

        def should_stop(self, history: Sequence[Mapping[str, Any]]) -> bool:
            return super().should_stop(history) or clock.is_up

    with mock.patch.multiple(fitting, fit_series_baselines=baselines_of, NextStepProgram=Budgeted):
        yield
