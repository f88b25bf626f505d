"""Maximum entropy for continuous signals: the Gaussian of two consecutive samples, and what it predicts.

Of all distributions of [x_t, x_{t+1}] with given means m and covariances S the Gaussian has the highest entropy, as the
pairwise model has it among those of binary words. Its couplings are the off-diagonal entries of -P, P = S^-1, and what
it predicts is its conditional mean,

    E[x_{t+1} | x_t] = m_f - P_ff^-1 P_fp (x_t - m_p)

(f future, p past), which is a vector autoregression of order 1. With a variance r added to every past channel it is
ridge regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from neurofit.linear import CentredMoments, VectorAutoRegression, fit_var


@dataclass(frozen=True, eq=False)
class GaussianMaxent:
    """The Gaussian of pairs of consecutive samples, past channels first.

    Attributes:
        mean: (2 channels,).
        covariance: (2 channels, 2 channels), the penalty included.
        penalty: Variance added to the past channels, relative to the mean of theirs.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    penalty: float

    @property
    def precision(self) -> NDArray[np.float64]:
        """Inverse covariance, (2 channels, 2 channels).

        Raises:
            numpy.linalg.LinAlgError: The covariance is singular: a channel is constant, or a sum of others.
        """
        return linalg.cho_solve(linalg.cho_factor(self.covariance, lower=True), np.eye(len(self.mean)))

    def next_step(self) -> VectorAutoRegression:
        """The conditional mean of the next sample, from the precision."""
        channels = len(self.mean) // 2
        precision = self.precision
        coefficients = -linalg.solve(precision[channels:, channels:], precision[channels:, :channels], assume_a="pos")
        intercept = self.mean[channels:] - coefficients @ self.mean[:channels]
        return VectorAutoRegression(coefficients[None], intercept, self.penalty)


def gaussian_maxent(moments: CentredMoments, *, penalty: float) -> GaussianMaxent:
    """The Gaussian that the moments of consecutive samples determine.

    Args:
        moments: `population_moments` of order 2 or more; of its lags the first is the future, the second the past.
        penalty: Variance added to the past channels, relative to the mean of theirs.

    Raises:
        ValueError: The moments are of order 1, which lack the covariances of the future with itself.
    """
    order, channels = moments.lag_mean.shape
    if order < 2:
        raise ValueError(f"moments of order {order}; expected 2 or more, of which the lags are future and past")
    places = np.concatenate([np.arange(channels, 2 * channels), np.arange(channels)])
    covariance = moments.gram[np.ix_(places, places)] / moments.rows
    past = np.arange(channels)
    covariance[past, past] += penalty * float(np.mean(covariance.diagonal()[:channels]))
    return GaussianMaxent(moments.lag_mean[1::-1].ravel(), covariance, penalty)


def gaussian_next_step(train: CentredMoments, validation: CentredMoments) -> VectorAutoRegression:
    """The same conditional mean without the precision, its penalty chosen on validation: the next-step baseline.

    Args:
        train: `population_moments` of the training span.
        validation: `population_moments` of the validation span, of the same order.
    """
    return fit_var(train, validation, orders=(1,))
