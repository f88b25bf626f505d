"""Redraw figures 13 to 16 of Nayebi, Cable and Wedeen 2015 on a recording with true weights, and answer its question.

python examples/nayebi2015_connectivity.py examples/data/bionet_60cells --out nayebi_connectivity

Every panel of the paper stands beside the same with its artefact taken out, and every number beside chance.
OUT/verdicts.md says what is left of section 6: why voltages move after spikes of cells that are not connected, whether
current follows the weighted input, and how well the weights can be inferred, by the paper's methods and by others.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from matplotlib.figure import Figure
from nayebi2015.connection_claims import Findings, judge_connections
from nayebi2015.connection_writing import write_connection_verdicts
from nayebi2015.unconnected import average_pair, lag_steps, shown_pairs
from numpy.typing import NDArray

from neurofit import figures, load
from neurofit.connectivity.cells import same_cells
from neurofit.connectivity.dale import dale_step
from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.gls import gls
from neurofit.connectivity.lif_current_estimate import lif_current_coupling
from neurofit.connectivity.scoring import ConnectivityScores, score_connectivity
from neurofit.connectivity.sta_estimates import sta
from neurofit.connectivity.truth import true_connections
from neurofit.connectivity.unconnected_averages import UnconnectedAverages, unconnected_averages
from neurofit.estimators.connectivity_current import CurrentAnalysis, analyse_current
from neurofit.estimators.connectivity_current_options import CurrentOptions
from neurofit.estimators.connectivity_current_report import current_figures
from neurofit.figures.unconnected_averages import average_sizes, unconnected_pair
from neurofit_io import Connectivity, Recording, RecordingError, Signal, Spikes
from neurofit_io.files import write_bytes


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Redraw figures 13 to 16 of Nayebi, Cable and Wedeen 2015, and judge what it says about connections."""

    recording: tyro.conf.Positional[Path]
    """A recording with Vm, spikes and true weights: file or folder of any format that neurofit info reads."""
    out: Path
    """Folder of the figures and the verdicts."""
    signal: str | None = None
    """Voltage to use, as neurofit info lists it; needed when there are several."""
    cell: int | None = None
    """Column of the cell of figures 14 to 16, counted from 0; by default one with a middling number of spikes."""
    seed: int = 0
    """Of the moves of spikes that chance is made of."""


def main(words: Sequence[str]) -> int:
    """Runs the script; returns the exit code."""
    arguments = tyro.cli(Arguments, args=list(words))
    try:
        redraw(arguments)
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def redraw(arguments: Arguments) -> None:
    """Computes, draws and judges."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recording = load(arguments.recording)
        options = CurrentOptions(signal=arguments.signal, cell=arguments.cell)
        spikes, truth = _needed(recording)
        analysis = analyse_current(recording, options)
    vm = analysis.signal
    cells = same_cells(vm, spikes, place=str(arguments.recording))
    known = true_connections(truth, n_cells=vm.shape[1], cell_ids=vm.channel_ids, place=str(arguments.recording))
    averages = unconnected_averages(vm, cells, known.weight, seed=arguments.seed)
    drawn = [*draw_averages(vm, cells, averages, arguments.seed)]
    drawn += [(PAPER_FIGURES[name], figure) for name, _, figure in current_figures(analysis, options)]
    for name, figure in drawn:
        write_bytes(arguments.out / f"{name}.png", figures.figure_png(figure))
    methods = {name: (paper, _score(found, truth, vm)) for name, paper, found in estimates(vm, cells)}
    findings = Findings(averages, analysis.scores, methods)
    facts = {
        "recording": arguments.recording.resolve().name, "cell": str(vm.channel_ids[analysis.view.cell]),
        "notes": [*dict.fromkeys(str(each.message) for each in caught), *analysis.notes, *_reading(analysis, averages)],
    }  # fmt: skip
    print(write_connection_verdicts(arguments.out, findings, judge_connections(findings), facts))
    print(f"{len(drawn)} figures, verdicts.md and verdicts.json in {arguments.out}")


PAPER_FIGURES = {"current": "figure_14", "input": "figure_15", "averaged_input": "figure_16"}


def _needed(recording: Recording) -> tuple[Spikes, Connectivity]:
    if recording.spikes is None or recording.connectivity is None:
        missing = "spikes" if recording.spikes is None else "true weights"
        raise RecordingError(
            recording.provenance.path, f"no {missing}", expected="Vm, spikes and true weights",
            do="neurofit connectivity current does what it can without",
        )  # fmt: skip
    return recording.spikes, recording.connectivity


def draw_averages(vm: Signal, spikes: Spikes, averages: UnconnectedAverages, seed: int) -> Iterator[tuple[str, Figure]]:
    """Figure 13 of two pairs, and what the averages of all are made of."""
    rng = np.random.default_rng(seed)
    pairs = [average_pair(vm, spikes, post, pre, rng=rng) for post, pre in shown_pairs(averages)]
    yield "figure_13", unconnected_pair(lag_steps(vm) * 1000 / float(vm.rate_hz or np.nan), pairs)
    cells = averages.unconnected.any(axis=0)
    shares = {
        "noise": averages.noise(), "own spikes of post": averages.own_spikes(),
        "shared slow drive*": averages.shared_drive(), "a cell between*": averages.cell_between(),
    }  # fmt: skip
    yield "figure_13_causes", average_sizes(
        averages.by_length(), averages.n_spikes[cells], _amplitude(averages.raw, averages)[cells],
        _amplitude(averages.shifted, averages)[cells],
        [(name, found.value, found.low, found.high) for name, found in shares.items()],
    )  # fmt: skip


def _amplitude(power: NDArray[np.floating], averages: UnconnectedAverages) -> NDArray[np.float64]:
    """Root of the mean power over the unconnected pairs of each presynaptic cell, mV, (pre,)."""
    n = np.maximum(averages.unconnected.sum(axis=0), 1)
    return np.sqrt(np.where(averages.unconnected, power, 0).sum(axis=0) / n)


def estimates(vm: Signal, spikes: Spikes) -> Iterator[tuple[str, bool, Estimate | NDArray[np.float64]]]:
    """Triples (method, whether it is the paper's, estimate); the paper looks at the height of an average, not at z."""
    yield "post-spike average", True, sta(vm, spikes).weight
    yield "LIF current, 3.5 ms", True, lif_current_coupling(vm, spikes, preset="nayebi2015")
    yield "LIF current, 35 ms", True, lif_current_coupling(vm, spikes, tau_ms=35.0, blanked=False)
    yield "LIF current, 20 ms, blanked", False, lif_current_coupling(vm, spikes)
    whitened = gls(vm, spikes)
    yield "gls", False, whitened
    yield "gls, Dale step", False, dale_step(whitened)


def _score(found: Estimate | NDArray[np.float64], truth: Connectivity, vm: Signal) -> ConnectivityScores:
    with warnings.catch_warnings():
        # What is odd about the truth is said once, and in the notes of every row.
        warnings.simplefilter("ignore")
        return score_connectivity(found, truth, cell_ids=vm.channel_ids)


def _reading(analysis: CurrentAnalysis, averages: UnconnectedAverages) -> list[str]:
    """What a reader of the verdicts has to know."""
    vm = analysis.signal
    return [
        f"{vm.shape[1]} cells, {vm.duration_s:g} s; the paper has 2022 cells and 6 s",
        "the paper gives no unit of C = 35: it is 3.5 ms if C counts steps of 0.1 ms, and 35 ms if it counts ms",
        f"averages in bins of 1 ms over {int(averages.unconnected.sum())} unconnected pairs; a size is a root mean "
        "square deviation over 30 ms, a power its square",
        "the first pair of figure 13 is, of all, the one that stands out of chance the most: some pair always does",
        "shares with a star are of the power with own spikes blanked; intervals are over presynaptic cells",
        "noise is that of the voltage as it is: own spikes are a part of it, so that the two shares overlap",
        "input from cells that were not recorded is in no weighted input",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
