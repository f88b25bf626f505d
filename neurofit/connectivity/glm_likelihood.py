"""The log-likelihood of a coupled Poisson GLM, of all cells at once, streamed over blocks of bins.

    log mu_i(t) = a_i(age_i(t)) + sum_{j != i} w_ij (z_j(t) - mean z_j)
    -log L_i    = sum_t [mu_i(t) - x_i(t) log mu_i(t)] + lambda/2 sum_j w_ij^2 + 1/(2 s^2) sum_c (a_i(c) - log m_i)^2

a_i is a step function of the time since the cell's own last spike, which says the base rate too; z is the past of the
others through a kernel; m_i is the cell's mean count a bin outside refractory bins, where mu is 0. The terms linear in
the parameters need one sparse product for the whole fit; an evaluation costs two dense products of (bins, cells).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neurofit.connectivity.own_history import age_borders, age_classes, refractory_bins
from neurofit.connectivity.spike_bins import BLOCK_ELEMENTS, Kernel, filtered_blocks

Floats = NDArray[np.float64]

SMALLEST_PRIOR_SD = 0.01
HISTORY_SD = 1.0
"""s: prior standard deviation of the log rate at an age, around the cell's log mean rate."""


class CoupledLikelihood:
    """Negative log-posterior of every cell given the past of all.

    Parameters are columns, one a target: first w_j for every presynaptic cell j, then a(c) for every class of ages,
    of which class 0, the refractory one, does nothing and stays as it is.

    Args:
        counts: (bins, cells); every cell fires.
        kernel: Filter of the past.
        bin_ms: Bin width, ms.
        prior_sd: Prior standard deviation of a weight, 1 / sqrt(lambda); None takes that of the recording.
        cache_bytes: Blocks are kept if they take no more than this, and made anew for every evaluation otherwise.
    """

    def __init__(
        self, counts: sparse.csr_array, kernel: Kernel, *, bin_ms: float, prior_sd: float | None, cache_bytes: float
    ) -> None:
        self.counts, self.kernel, self.penalty = counts, kernel, 0.0
        self.bins, self.cells = counts.shape
        self.refractory = refractory_bins(counts, bin_ms)
        self.borders = age_borders(bin_ms, self.refractory)
        self.classes = len(self.borders) + 1
        self._kept: list[tuple[int, NDArray[np.float32], NDArray[np.uint8]]] | None = None
        self._mean_past = np.asarray(self._past_sums() / self.bins, np.float32)
        if self.bins * self.cells * 5 <= cache_bytes:
            self._kept = list(self._made())
        self._sum_moments()
        self.prior_sd = self._moment_prior_sd() if prior_sd is None else prior_sd
        self.penalty = self.prior_sd**-2

    def _past_sums(self) -> Floats:
        sums = np.zeros(self.cells)
        for _, past in filtered_blocks(self.counts, self.kernel):
            sums += past.sum(axis=0, dtype=np.float64)
        return sums

    def _made(self) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.uint8]]]:
        rows = max(1, BLOCK_ELEMENTS // self.cells)
        pasts, ages = filtered_blocks(self.counts, self.kernel), age_classes(self.counts, self.borders, rows)
        for (start, past), (_, age) in zip(pasts, ages, strict=True):
            past -= self._mean_past
            yield start, past, age

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.uint8]]]:
        """First bin, centred past (bins, cells) and classes of ages (bins, cells) of each block."""
        return self._made() if self._kept is None else iter(self._kept)

    def _sum_moments(self) -> None:
        self.gram, self._past_cross = np.zeros((self.cells, self.cells)), np.zeros((self.cells, self.cells))
        self.fired, exposure = np.zeros((self.classes, self.cells)), np.zeros((self.classes, self.cells))
        everyone = np.arange(self.cells)
        for start, past, age in self.blocks():
            counts = self.counts[start : start + len(past)]
            self.gram += past.T @ past
            self._past_cross += (counts.T @ past).T
            spikes = counts.tocoo()
            np.add.at(self.fired, (age[spikes.row, spikes.col], spikes.col), spikes.data)
            exposure += _by_class(age, everyone, None, self.classes)
        self.exposed_bins = exposure[1:].sum(axis=0)
        self.mean_count = self.fired.sum(axis=0) / self.exposed_bins
        self._levels, self._vectors = np.linalg.eigh(self.gram)
        self.start = np.concatenate(
            [np.zeros((self.cells, self.cells)), np.log((self.fired + 1) / (exposure + 1 / self.mean_count))]
        )

    def _moment_prior_sd(self) -> float:
        """Spread of the weights by the method of moments, from the scores of cells without coupling.

        The score of a pair has mean w v and variance v = m_i G_jj, so that w has a variance of
        sum (score^2 - v) / sum v^2 over all pairs.
        """
        score = self.evaluate(self.start, np.arange(self.cells))[1][: self.cells]
        expected = self.gram.diagonal()[:, None] * self.mean_count
        off = ~np.eye(self.cells, dtype=bool)
        variance = float((score**2 - expected)[off].sum() / np.square(expected[off]).sum())
        return float(np.sqrt(max(variance, SMALLEST_PRIOR_SD**2)))

    def evaluate(self, parameters: Floats, columns: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Negative log-posterior, without terms that do not depend on the parameters, and its gradient.

        Args:
            parameters: (cells + classes, targets).
            columns: (targets,), the cells that the columns belong to.
        """
        weight, log_rate = parameters[: self.cells], parameters[self.cells :]
        weight_gradient, counted = np.zeros(weight.shape), np.zeros(log_rate.shape)
        # A step too far overflows; its loss is then not finite, and the search goes back.
        with np.errstate(over="ignore", invalid="ignore"):
            for past, age, mean in self._means(parameters, columns):
                weight_gradient += past.T @ mean
                counted += _by_class(age, columns, mean, self.classes)
        away = log_rate - np.log(self.mean_count[columns])
        away[0] = 0.0
        fired, cross = self.fired[:, columns], self._past_cross[:, columns]
        loss = counted.sum(axis=0) - (weight * cross).sum(axis=0) - (log_rate[1:] * fired[1:]).sum(axis=0)
        loss += self.penalty / 2 * np.square(weight).sum(axis=0) + np.square(away).sum(axis=0) / (2 * HISTORY_SD**2)
        weight_gradient += self.penalty * weight - cross
        weight_gradient[columns, np.arange(len(columns))] = 0.0
        history_gradient = counted - fired + away / HISTORY_SD**2
        history_gradient[0] = 0.0
        return loss, np.concatenate([weight_gradient, history_gradient])

    def precondition(self, gradient: Floats, columns: NDArray[np.intp]) -> Floats:
        """The gradient times the inverse Hessian of cells that fire at their mean rate, past and age independent."""
        levels = self._levels[:, None] * self.mean_count[columns] + self.penalty
        weight = self._vectors @ ((self._vectors.T @ gradient[: self.cells]) / levels)
        weight[columns, np.arange(len(columns))] = 0.0
        return np.concatenate([weight, gradient[self.cells :] / (self.fired[:, columns] + 1 / HISTORY_SD**2)])

    def information_diagonal(self, parameters: Floats) -> Floats:
        """Diagonal of the Fisher information about the weights, base rates profiled out: (pre, post)."""
        everyone = np.arange(self.cells)
        rate = np.zeros(self.cells)
        first, second = np.zeros((self.cells, self.cells)), np.zeros((self.cells, self.cells))
        for past, _, mean in self._means(parameters, everyone):
            rate += mean.sum(axis=0, dtype=np.float64)
            first += past.T @ mean
            second += np.square(past).T @ mean
        return second - first**2 / rate

    def weight_errors(self, parameters: Floats) -> Floats:
        """Standard errors of the weights under the ridge, (pre, post).

        The diagonal of (H + lambda I)^-1 H (H + lambda I)^-1 with H = D G D m, where m G is the information at the mean
        rate, shared by all targets up to m, and D makes the diagonal that of the target's own information.
        """
        levels = self._levels[:, None] * self.mean_count
        spread = np.square(self._vectors) @ (levels / np.square(levels + self.penalty))
        assumed = self.gram.diagonal()[:, None] * self.mean_count
        return np.sqrt(spread * assumed / self.information_diagonal(parameters))

    def _means(
        self, parameters: Floats, columns: NDArray[np.intp]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]]:
        weight = parameters[: self.cells].astype(np.float32)
        log_rate = parameters[self.cells :].astype(np.float32)
        log_rate[0] = -np.inf
        for _, past, age in self.blocks():
            own = age if len(columns) == self.cells else np.ascontiguousarray(age[:, columns])
            with np.errstate(over="ignore"):
                yield past, own, np.exp(past @ weight + np.take_along_axis(log_rate, own, axis=0))


def _by_class(
    age: NDArray[np.uint8], columns: NDArray[np.intp], values: NDArray[np.float32] | None, classes: int
) -> Floats:
    """Sums of values, or numbers of bins, of each class and target, (class, target)."""
    targets = len(columns)
    place = age.astype(np.int64) * targets + np.arange(targets)
    weights = None if values is None else values.reshape(-1)
    summed = np.bincount(place.reshape(-1), weights, minlength=classes * targets)
    return summed.reshape(classes, targets).astype(np.float64)
