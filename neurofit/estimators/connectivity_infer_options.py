"""Options of `neurofit connectivity infer`. No numpy here: the verb's help is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MethodName = Literal[
    "gls", "sta", "sta-corrected", "lif-current",
    "correlogram", "linear-coupling", "partial-correlation", "glm", "maxent",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class InferOptions:
    """How connections are inferred."""

    method: tuple[MethodName, ...] = ()
    """Methods, separated by commas. Of voltages: gls (blank, whiten, regress), sta (post-spike average), sta-corrected,
    lif-current. Of spikes alone: correlogram, linear-coupling, partial-correlation, glm, maxent. gls, linear-coupling
    and glm are given once more after the Dale step: where the sign of a presynaptic cell is significant, the other
    sign is cleared. By default gls where there are voltages, else linear-coupling."""
    preset: Literal["nayebi2015"] | None = None
    """The founding paper's methods with its settings: sta, and lif-current of the raw voltage with C of 35 steps."""
    signal: str | None = None
    """Membrane potentials to use, as neurofit info lists them; needed when there are several."""
    time: str | None = None
    """Use only this time, A:B in s; either side may be empty."""
    bin_ms: float | None = None
    """Width of the bins of gls, ms; 0.5 by default. A finer bin tells more where the voltage is clean and fast."""
    basis: Literal["learned", "boxes", "psp"] = "learned"
    """Responses that gls looks for: shapes learned from all pairs, ten boxes of lags, or one assumed potential."""
    fdr: float = 0.05
    """False discovery rate of the pairs that are called connected."""
    no_lengths: bool = False
    """Do not infer from an eighth, a quarter and a half of the recording as well, as is done where the truth is
    known."""

    def __post_init__(self) -> None:
        chosen = (self.method,) if isinstance(self.method, str) else tuple(self.method)
        object.__setattr__(self, "method", chosen)
