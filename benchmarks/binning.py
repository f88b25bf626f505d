"""Counting spikes in bins: 200 units for an hour, about 3.2 million spikes.

Whole spans at 20 ms and 1 ms, and random windows as training draws them. Rates are log-normal, spikes Poisson on a
30 kHz clock; times lie in the middle of a sample, so that no spike is on the edge of a bin and all arms agree.
"""

from __future__ import annotations

from protocol import Arm, Benchmark  # first, because it sets the number of threads

# isort: split
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from typing import Any

import elephant.conversion
import neo
import numpy as np
import pynapple as nap
import quantities as pq
import tyro
from numpy.typing import NDArray
from scipy import sparse

from neurofit_io import Spikes
from neurofit_io.spikes import spikes_from_lists

DURATION_S = 3600
CLOCK_HZ = 30_000
MEAN_RATE_HZ = 4.43
WINDOW = 256
DENSE_UNITS = 20
"""Units where dense arrays of 1 ms bins are made."""


@cache
def trains(units: int) -> list[NDArray[np.float64]]:
    """Spike times of `units` units, s."""
    rng = np.random.default_rng(0)
    rates = rng.lognormal(sigma=1.0, size=200)
    spikes = rng.poisson(rates / rates.mean() * MEAN_RATE_HZ * DURATION_S)
    ticks = [np.unique(rng.integers(0, DURATION_S * CLOCK_HZ, size=n)) for n in spikes]
    return [(t + 0.5) / CLOCK_HZ for t in ticks[:units]]


@cache
def ours(units: int) -> Spikes:
    return spikes_from_lists(trains(units), stop_s=DURATION_S)


@cache
def pynapples(units: int) -> nap.TsGroup:
    span = nap.IntervalSet(0, DURATION_S)
    return nap.TsGroup({i: nap.Ts(train) for i, train in enumerate(trains(units))}, time_support=span)


@cache
def neos(units: int) -> list[neo.SpikeTrain]:
    return [neo.SpikeTrain(train * pq.s, t_start=0 * pq.s, t_stop=DURATION_S * pq.s) for train in trains(units)]


def windows(units: int, bin_ms: float) -> Iterator[NDArray[np.int32]]:
    spikes, bins = ours(units), round(DURATION_S * 1000 / bin_ms)
    return (spikes.counts(bin_ms, first, min(first + WINDOW, bins)) for first in range(0, bins, WINDOW))


def slabs(units: int, bin_ms: float) -> Iterator[NDArray[np.float32]]:
    return (values for _, values in ours(units).binned(bin_ms).slabs())


def whole(units: int, bin_ms: float) -> NDArray[np.float32]:
    return ours(units).binned(bin_ms).read()


def pynapple(units: int, bin_ms: float) -> NDArray[Any]:
    return pynapples(units).count(bin_ms / 1000).values


def elephant_sparse(units: int, bin_ms: float) -> sparse.spmatrix:
    binned = elephant.conversion.BinnedSpikeTrain(
        neos(units), bin_size=bin_ms * pq.ms, t_start=0 * pq.s, t_stop=DURATION_S * pq.s
    )
    return binned.sparse_matrix.T


def elephant_dense(units: int, bin_ms: float) -> NDArray[Any]:
    return elephant_sparse(units, bin_ms).toarray()


def histograms(units: int, bin_ms: float) -> NDArray[np.int64]:
    bins = round(DURATION_S * 1000 / bin_ms)
    return np.stack([np.histogram(train, bins, (0, DURATION_S))[0] for train in trains(units)], axis=1)


def checksum(counts: Any) -> NDArray[np.int64]:
    """One number a unit that changes when any of its spikes is in another bin."""
    blocks = counts if isinstance(counts, Iterator) else iter([counts])
    rng, total = np.random.default_rng(1), np.zeros(1, np.int64)
    for block in blocks:
        weights = rng.integers(1, 2**31, size=block.shape[0])
        total = total + (sparse.csr_array(block).astype(np.int64).T @ weights)
    return total


def whole_spans(units: int, bin_ms: float, ways: Iterable[tuple[str, Callable[[int, float], Any]]]) -> list[Arm]:
    return [Arm(name, partial(way, units, bin_ms)) for name, way in ways]


def construction(units: int) -> list[Arm]:
    """From one array of times a unit to what each library bins."""
    ways = [("neurofit Spikes", ours), ("pynapple TsGroup", pynapples), ("neo SpikeTrain a unit", neos)]
    trains(units)
    return [Arm(name, partial(way.__wrapped__, units)) for name, way in ways]


def random_windows(units: int, bin_ms: float, number: int) -> list[Arm]:
    """The same windows for all; pynapple, which restricts all units anew for each, gets a tenth of them."""
    spikes, group, arrays = ours(units), pynapples(units), trains(units)
    starts = np.random.default_rng(2).integers(0, round(DURATION_S * 1000 / bin_ms) - WINDOW, size=number)
    width = bin_ms / 1000

    def searched(start: int) -> NDArray[np.int64]:
        edges = np.arange(start, start + WINDOW + 1) * width
        return np.stack([np.diff(np.searchsorted(train, edges)) for train in arrays], axis=1)

    def counted(start: int) -> NDArray[Any]:
        return group.count(width, nap.IntervalSet(start * width, (start + WINDOW) * width)).values

    return [
        Arm("neurofit", lambda: (spikes.counts(bin_ms, start, start + WINDOW) for start in starts), number),
        Arm("numpy searchsorted a unit", lambda: (searched(start) for start in starts), number),
        Arm("pynapple count", lambda: (counted(start) for start in starts[: number // 10]), number // 10),
    ]


def first_hundred(values: Iterator[NDArray[Any]]) -> NDArray[Any]:
    return np.stack([*islice(values, 100)])


def main(rounds: int = 5, again: bool = False, units: int = 200) -> None:
    """Runs all cases.

    Args:
        rounds: Rounds of every case.
        again: Measure cases again that have a row.
        units: Units.
    """
    benchmark = Benchmark("binning", rounds, again)
    dense = [
        ("neurofit, slabs", slabs), ("neurofit, windows of 256", windows), ("neurofit, one read", whole),
        ("pynapple TsGroup.count", pynapple), ("elephant, sparse", elephant_sparse),
        ("elephant, dense", elephant_dense), ("numpy.histogram a unit", histograms),
    ]  # fmt: skip
    lazy = [dense[0], dense[1], dense[4]]
    for case_units, bin_ms, ways, goal in (
        (units, 20.0, dense, ""),
        (min(units, DENSE_UNITS), 1.0, dense, "pynapple at least 10"),
        (units, 1.0, lazy, ""),
    ):
        spikes = sum(map(len, trains(case_units)))
        case = f"{case_units} units, {DURATION_S} s, {spikes} spikes, bins of {bin_ms:g} ms"
        arms = partial(whole_spans, case_units, bin_ms, ways)
        benchmark.compare(case, arms, goal=goal, answer=checksum)
    benchmark.compare(f"making the object, {units} units", partial(construction, units), goal="")
    case = f"random windows of {WINDOW} bins of 20 ms, {units} units, time a window"
    benchmark.compare(case, partial(random_windows, units, 20.0, 1000), goal="", answer=first_hundred)


if __name__ == "__main__":
    tyro.cli(main)
