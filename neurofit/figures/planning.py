"""What to expect of how long a recording: AP and AUC against its length, chance in the same panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from neurofit.figures.connectivity_curves import length_axis
from neurofit.figures.style import EXCITATORY, INHIBITORY, INK, in_house_style, new_figure, plain

_LOOKS: dict[str, dict[str, Any]] = {
    "all": {"color": INK, "linestyle": "-", "linewidth": 2.0},
    "signs": {"color": "#777777", "linestyle": (0, (5, 1.5)), "linewidth": 1.6},
    "e": {"color": EXCITATORY, "linestyle": (0, (2, 1)), "linewidth": 1.6},
    "i": {"color": INHIBITORY, "linestyle": (0, (5, 1.5, 1, 1.5)), "linewidth": 1.6},
}
_NAMES = {
    "all": "all pairs",
    "signs": "all pairs, signs of cells known",
    "e": "excitatory presynaptic cells",
    "i": "inhibitory presynaptic cells",
}


@in_house_style
def planned_scores(
    durations_s: ArrayLike,
    ap: Mapping[str, ArrayLike],
    auc: Mapping[str, ArrayLike],
    *,
    chance: float,
    marked_s: Sequence[float] = (),
    own_s: float | None = None,
    title: str = "",
) -> Figure:
    """Expected AP and AUC against the length of a recording.

    Args:
        durations_s: Lengths (length,), s, rising.
        ap: Expected average precision (length,) by `all`, `signs` (the sign of every presynaptic cell known), `e`, `i`.
        auc: Expected area under the ROC curve, alike.
        chance: Average precision of guessing: the density.
        marked_s: Lengths to label, s.
        own_s: Length of the recording that the plan was made from, s; None without one.
        title: What was assumed, in a line.

    Returns:
        The figure.
    """
    figure = new_figure(10.0, 4.4)
    figure.suptitle(plain(title, 140))
    left, right = figure.subplots(1, 2)
    for axes, curves, level, label in (
        (left, ap, chance, "expected average precision"),
        (right, auc, 0.5, "expected AUC"),
    ):
        for name, values in curves.items():
            axes.plot(durations_s, np.asarray(values, dtype=np.float64), **_LOOKS[name], label=_NAMES[name])
        axes.axhline(level, color=INK, linewidth=1.0, linestyle=(0, (1, 3)))
        axes.annotate(
            f"chance, {level:.3g}",
            (1.0, level),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=9,
        )
        if own_s is not None:
            axes.axvline(own_s, color=INK, linewidth=0.8)
            axes.annotate(f"{own_s:.4g} s recorded", (own_s, 1.01), xycoords=("data", "axes fraction"), ha="center",
                          va="bottom", fontsize=9)  # fmt: skip
        length_axis(axes, marked_s)
        axes.set(ylabel=label, ylim=(0 if axes is left else 0.45, 1.02))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, columnspacing=1.4)
    return figure
