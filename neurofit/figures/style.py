"""The house style of every figure: one set of matplotlib settings, one look for each predictor, and PNG bytes.

Figures are made with `matplotlib.figure.Figure` and the Agg canvas, so no display and no pyplot state is involved, and
the settings hold only while a figure is drawn or rendered. The looks differ in luminance and in line style, not in
hue alone: they stay apart in greyscale print and for colour-blind readers (hues after Okabe & Ito 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from io import BytesIO
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

_FONT = "DejaVu Sans"

# Any: releases of matplotlib disagree about the type of the keys.
_SETTINGS: Any = {
    "font.family": _FONT,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "figure.titlesize": 11,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.4,
    "lines.dash_capstyle": "butt",
    "agg.path.chunksize": 20000,
    "axes.formatter.useoffset": False,
}

INK = "#000000"
FAINT = "#d0d0d0"
EXCITATORY = "#d9600f"
INHIBITORY = "#08306b"


@dataclass(frozen=True)
class Look:
    """How one predictor is drawn, in every figure.

    Attributes:
        label: Name in legends.
        color: Hex colour.
        linestyle: matplotlib line style.
        linewidth: Line width in points.
        marker: Marker where a predictor is drawn as points.
        zorder: Drawing order, higher on top.
    """

    label: str
    color: str
    linestyle: Any = "-"
    linewidth: float = 1.4
    marker: str = "o"
    zorder: float = 2.5

    def line(self) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot` for this predictor."""
        return {
            "color": self.color,
            "linestyle": self.linestyle,
            "linewidth": self.linewidth,
            "zorder": self.zorder,
        }


_MODEL = Look("model", "#df5d0c", "-", 1.2, "o", 3.0)
_LOOKS = {
    "truth": Look("truth", INK, "-", 2.4, "o", 2.0),
    "model": _MODEL,
    "persistence": Look("persistence", "#9b9b9b", (0, (4, 1.6)), 1.4, "s"),
    "mean": Look("mean", "#c0c0c0", (0, (1, 1.4)), 1.8, "D"),
    "ar": Look("AR", "#08306b", (0, (5, 1.5, 1, 1.5)), 1.4, "^"),
    "var": Look("VAR", "#1a7560", (0, (5, 1.5, 1, 1.5, 1, 1.5)), 1.4, "v"),
    "arx": Look("ARX", "#6a3d9a", (0, (2.5, 1, 1, 1)), 1.4, "P"),
    "on its own": Look("on its own", "#df5d0c", (0, (2, 1.2)), 1.2, "x", 2.8),
}


def look(name: str) -> Look:
    """The look of a predictor.

    Args:
        name: `truth`, `persistence`, `mean`, `AR`, `VAR`, `ARX`, with or without an order as in `AR(7)`, or any other
            name, which is a model; one that ends in `on its own` is a model on its own predictions.

    Returns:
        The look, labelled with `name` unless that is the bare lower-case word.
    """
    word = name.split("(")[0].strip().lower()
    found = _LOOKS.get("on its own" if word.endswith("on its own") else word, _MODEL)
    return found if name in _LOOKS else Look(plain(name), *_without_label(found))


def _without_label(found: Look) -> tuple[str, Any, float, str, float]:
    return found.color, found.linestyle, found.linewidth, found.marker, found.zorder


def with_unit(quantity: str, unit: str) -> str:
    """An axis label: the quantity with its unit in parentheses, or alone where there is none."""
    return f"{plain(quantity)} ({plain(unit)})" if unit else plain(quantity)


def plain(text: str, longest: int = 60) -> str:
    """Text as a label that matplotlib draws as it stands: one line, no mathtext, only glyphs the font has.

    Args:
        text: Any text, for example a channel name out of a file.
        longest: Characters kept; a longer text loses its middle, as names often differ at their end.

    Returns:
        The text to hand to matplotlib.
    """
    line = " ".join(text.split())
    line = line if len(line) <= longest else f"{line[: longest // 2]}…{line[1 - (longest + 1) // 2 :]}"
    drawn = "".join(character if ord(character) in _glyphs() else "□" for character in line)
    return drawn.replace("$", r"\$")


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(_FONT)).get_charmap())


Arguments = ParamSpec("Arguments")


def in_house_style(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Decorator: draw a figure under the house settings and leave matplotlib's own as they were."""

    @wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with matplotlib.rc_context(_SETTINGS):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure in inches with constrained layout and the Agg canvas."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def figure_png(figure: Figure, *, dpi: float = 150) -> bytes:
    """A figure as PNG bytes; equal figures give equal bytes (no date and no software version inside).

    Args:
        figure: The figure.
        dpi: Resolution in dots per inch.

    Returns:
        The content of a PNG file.
    """
    buffer = BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def legend_above(axes: Axes, *, columns: int = 6, markerscale: float = 1.0) -> None:
    """Put the legend on one line above the axes, where it covers no data."""
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        columnspacing=1.4,
        markerscale=markerscale,
    )
