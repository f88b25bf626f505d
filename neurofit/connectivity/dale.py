"""Dale's principle: a cell excites all its targets or inhibits them all.

Where the sign of a presynaptic cell is significant over all its pairs, at a false discovery rate over cells, estimates
of the other sign are noise and become 0. Elsewhere nothing is changed: a sign that was guessed would do harm.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from neurofit.connectivity.discovery import presynaptic_signs
from neurofit.connectivity.estimate import Estimate

FDR = 0.05


def dale_step(estimate: Estimate, *, fdr: float = FDR) -> Estimate:
    """`estimate` with the pairs cleared that contradict their presynaptic cell; its method's name ends in `-dale`.

    Args:
        estimate: Any estimate with signed z.
        fdr: False discovery rate of the signs of presynaptic cells.
    """
    sign = presynaptic_signs(estimate.z).called(fdr)
    wrong = (sign != 0)[None] & (np.sign(estimate.z) == -sign[None])
    note = (
        f"sign significant for {int((sign != 0).sum())} of {len(sign)} presynaptic cells ({int((sign > 0).sum())} e, "
        f"{int((sign < 0).sum())} i); {int(wrong.sum())} pairs of the other sign cleared"
    )
    return dataclasses.replace(
        estimate,
        method=f"{estimate.method}-dale",
        weight=np.where(wrong, 0.0, estimate.weight),
        z=np.where(wrong, 0.0, estimate.z),
        notes=(note,),
    )
