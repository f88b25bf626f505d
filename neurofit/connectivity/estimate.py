"""What every method of inference gives: a weight, its standard error and a z for each ordered pair of cells."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Estimate:
    """Inferred connections; everything is [post, pre], float64.

    The diagonal is 0, with a standard error of NaN: no method estimates a cell's effect on itself. So is the column of
    a presynaptic cell that says nothing (it never fires) and the row of a postsynaptic one (its voltage never changes).

    Args:
        method: Name of the method, as `--method` has it.
        weight: Signed effect of pre on post, in `unit`, (post, pre).
        se: Standard error of `weight`, in `unit`, (post, pre); NaN where nothing is estimated.
        z: Signed evidence of an effect, standard normal where there is none, (post, pre); what pairs are ranked by is
            its absolute value.
        unit: Unit of `weight`, such as mV.
        notes: What the method chose and left out, a sentence each.
    """

    method: str
    weight: NDArray[np.float64]
    se: NDArray[np.float64]
    z: NDArray[np.float64]
    unit: str
    notes: tuple[str, ...] = field(default=())

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.weight)


def estimate_of(
    method: str,
    weight: NDArray[np.floating],
    se: NDArray[np.floating],
    *,
    unit: str,
    z: NDArray[np.floating] | None = None,
    notes: tuple[str, ...] = (),
) -> Estimate:
    """An `Estimate` whose undefined entries, and diagonal, are the zeros that its docstring promises.

    Args:
        method: Name of the method.
        weight: (post, pre), in `unit`; not finite where undefined.
        se: (post, pre), in `unit`; not finite, or not above 0, where undefined.
        unit: Unit of the weights.
        z: (post, pre); weight / se when not given.
        notes: What the method chose and left out.
    """
    weights, errors = np.array(weight, dtype=np.float64), np.array(se, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = weights / errors if z is None else np.array(z, dtype=np.float64)
    undefined = ~(np.isfinite(weights) & np.isfinite(errors) & np.isfinite(evidence) & (errors > 0))
    np.fill_diagonal(undefined, True)
    weights[undefined], evidence[undefined], errors[undefined] = 0.0, 0.0, np.nan
    return Estimate(method, weights, errors, evidence, unit, notes)
