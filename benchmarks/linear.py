"""Fitting the linear baselines: autoregressions of 2022 channels at 20 orders, a vector autoregression of 100 channels.

Against the way one writes them without lag moments: least squares on lag-stacked rows, channel by channel and order by
order, and `sklearn.linear_model.Ridge` on the lag-stacked design. All arms choose or fit the same coefficients.
"""

from __future__ import annotations

from protocol import Arm, Benchmark  # first, because it sets the number of threads

# isort: split
from collections.abc import Iterator
from functools import partial

import numpy as np
import tyro
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import lfilter
from sklearn.linear_model import Ridge

from neurofit.linear import channel_moments, fit_ar, population_moments, solve_var

ORDERS = range(1, 21)
VAR_ORDER = 10
PENALTY = 1e-4
SLAB = 2**22


def simulate(steps: int, channels: int) -> NDArray[np.float32]:
    """Autoregressions of order 20, each channel with its own decay, driven by noise of its own and a common one.

    The last lag matters, so that order 20 is chosen for few channels as for many.
    """
    rng = np.random.default_rng(0)
    values = np.empty((steps, channels), np.float32)
    common = 0.3 * rng.standard_normal(steps)
    echo = np.r_[1, np.zeros(18), -0.2]
    for channel, decay in enumerate(rng.uniform(0.6, 0.95, size=channels)):
        poles = np.convolve([1, -decay], echo)
        values[:, channel] = lfilter([1.0], poles, rng.standard_normal(steps) + common)
    return values / values.std(axis=0)


def slabs(values: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], bool]]:
    rows = max(1, SLAB // values.shape[1])
    return ((values[first : first + rows], first == 0) for first in range(0, len(values), rows))


def lagged(values: NDArray, order: int) -> NDArray:
    """x_{t-1}, ..., x_{t-order} of all channels for every t from `order` on, (steps - order, order * channels)."""
    past = sliding_window_view(values[:-1], order, axis=0)[:, :, ::-1]
    return past.transpose(0, 2, 1).reshape(len(past), -1)


def autoregressions(channels: int, steps: int, subset: int) -> list[Arm]:
    values = simulate(steps, channels)
    train, validation = values[: steps * 9 // 10], values[steps * 9 // 10 :]

    def ours() -> NDArray[np.float64]:
        moments = (channel_moments(slabs(part), order=ORDERS[-1]) for part in (train, validation))
        return fit_ar(*moments, orders=ORDERS).coefficients[:subset]

    def loop() -> NDArray[np.float64]:
        """Orders are compared on the pooled error of all channels, and all predict the same rows."""
        fits = {
            order: [_least_squares(train[:, c], validation[:, c], order) for c in range(subset)] for order in ORDERS
        }
        best = min(fits, key=lambda order: sum(error for _, error in fits[order]))
        return np.array([weights[:-1] for weights, _ in fits[best]])

    return [Arm("neurofit", ours), Arm(f"numpy lstsq a channel, {subset} channels, scaled", loop, subset / channels)]


def _least_squares(train: NDArray, validation: NDArray, order: int) -> tuple[NDArray[np.floating], float]:
    design, target = _design(train, order)
    weights = np.linalg.lstsq(design, target, rcond=None)[0]
    design, target = _design(validation, order)
    return weights, float(np.square(design @ weights - target).sum())


def _design(values: NDArray, order: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    skipped = ORDERS[-1] - order
    past = lagged(values[skipped:, None].astype(np.float64), order)
    return np.column_stack([past, np.ones(len(past))]), values[ORDERS[-1] :].astype(np.float64)


def vector_autoregression(channels: int, steps: int) -> list[Arm]:
    values = simulate(steps, channels)

    def ours() -> NDArray[np.float64]:
        moments = population_moments(slabs(values), order=VAR_ORDER)
        return next(solve_var(moments, order=VAR_ORDER, penalties=[PENALTY])).coefficients

    def ridge(dtype: type[np.floating]) -> NDArray[np.floating]:
        """The same penalty, relative to the mean diagonal of the centred Gram matrix."""
        design, target = lagged(values.astype(dtype), VAR_ORDER), values[VAR_ORDER:].astype(dtype)
        alpha = PENALTY * float(design.var(axis=0, dtype=np.float64).mean()) * len(design)
        stacked = Ridge(alpha=alpha, solver="cholesky", copy_X=False).fit(design, target).coef_
        return stacked.reshape(channels, VAR_ORDER, channels).transpose(1, 0, 2)

    return [
        Arm("neurofit", ours),
        Arm("sklearn Ridge, float64", partial(ridge, np.float64)),
        Arm("sklearn Ridge, float32", partial(ridge, np.float32)),
    ]


def main(rounds: int = 5, again: bool = False, channels: int = 2022, steps: int = 42_000) -> None:
    """Runs both cases.

    Args:
        rounds: Rounds of every case.
        again: Measure cases again that have a row.
        channels: Channels of the autoregressions.
        steps: Steps of both.
    """
    benchmark = Benchmark("linear", rounds, again)
    case = f"AR of orders 1 to {ORDERS[-1]}, chosen on validation, {channels} channels x {steps} steps"
    benchmark.compare(
        case,
        partial(autoregressions, channels, steps, 4),
        goal="neurofit at most 10 s",
        answer=np.asarray,
        tolerance=1e-6,
    )
    case = f"VAR({VAR_ORDER}), one penalty, 100 channels x {steps} steps"
    benchmark.compare(
        case, partial(vector_autoregression, 100, steps), goal="Ridge at least 4", answer=np.asarray, tolerance=2e-3
    )


if __name__ == "__main__":
    tyro.cli(main)
