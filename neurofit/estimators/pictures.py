"""Drawn figures become files, and pictures of a report."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from neurofit import figures
from neurofit_io.files import write_bytes

Figures = list[tuple[str, str, Figure]]
"""Triples (file name without suffix, caption, figure)."""


def write_figures(folder: Path, drawn: Figures) -> list[tuple[str, bytes]]:
    """Writes each figure as PNG into a folder; returns pairs (caption, PNG) for the report."""
    pictures = [(file, caption, figures.figure_png(figure)) for file, caption, figure in drawn]
    for file, _, picture in pictures:
        write_bytes(folder / f"{file}.png", picture)
    return [(caption, picture) for _, caption, picture in pictures]
