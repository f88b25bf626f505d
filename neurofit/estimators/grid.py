"""What a comparison varies: every combination of cell, size and chunk, with several seeds. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import product

from neurofit.estimators.options import FitOptions, Model
from neurofit_io.errors import RecordingError

SWEPT = {"network": ("model", "hidden", "layers", "chunk"), "train": ("seed",)}
"""Options that a comparison varies, by their group in `FitOptions`; it shares all others."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What a comparison varies."""

    models: tuple[Model, ...] = ("gru", "lstm", "peephole-lstm")
    """Recurrent cells: gru,lstm."""
    hidden: tuple[int, ...] = ()
    """Numbers of hidden units: 64,128; by default the one that neurofit fit chooses."""
    layers: tuple[int, ...] = (1,)
    """Numbers of recurrent layers: 1,2."""
    chunk: tuple[int, ...] = ()
    """Steps of truncated backpropagation: 100,1000; by default what neurofit fit chooses."""
    seeds: int = 3
    """Runs of each combination, with seeds 0, 1, 2, ..."""

    def combinations(self, *, hidden: int, chunk: int) -> list[Combination]:
        """All combinations, in the order given.

        Args:
            hidden: Hidden units where none are given.
            chunk: Steps of a chunk where none are given.

        Raises:
            RecordingError: There is nothing to fit.
        """
        if self.seeds < 1:
            raise RecordingError("", f"--seeds {self.seeds}", expected="1 or more")
        for option in ("models", "layers"):
            if not getattr(self, option):
                raise RecordingError("", f"--{option} without a value", expected="one or more")
        axes = self.models, self.hidden or (hidden,), self.layers, self.chunk or (chunk,)
        return [Combination(*values) for values in dict.fromkeys(product(*axes))]


@dataclass(frozen=True)
class Combination:
    """One cell in one size."""

    model: Model
    hidden: int
    layers: int
    chunk: int

    @property
    def name(self) -> str:
        """Such as `gru-h64-l1-c100`."""
        return f"{self.model}-h{self.hidden}-l{self.layers}-c{self.chunk}"

    def options(self, shared: FitOptions, seed: int) -> FitOptions:
        """The options of one run."""
        return dataclasses.replace(
            shared,
            network=dataclasses.replace(shared.network, **dataclasses.asdict(self)),
            train=dataclasses.replace(shared.train, seed=seed),
        )
