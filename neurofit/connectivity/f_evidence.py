"""The F test as a z: a standard normal deviate of the same two-sided p, far beyond where p itself underflows.

    p = P(F_{m,n} > f) = I_x(n/2, m/2),   x = n / (n + m f)
    I_x(a, b) = x^a (1-x)^(b-1) / (a B(a, b)) (1 + sum_k prod_{i=1..k} (b - i) / (a + i) x / (1 - x))

The sum (by parts; Abramowitz and Stegun 26.5.4) falls like 1/f^k and serves where p would be 0. For one coefficient
and many degrees of freedom, z is Wallace's transformation of t (D. L. Wallace, Annals of Mathematical Statistics 30,
1959), (8n + 1) / (8n + 3) sqrt(n ln(1 + t^2 / n)), to 1e-6 at t = 4 and 4e-4 at t = 30 from 1000 degrees on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

SMALLEST = 1e-280
TERMS = 60
MANY = 1000


def f_evidence(f: NDArray[np.float64], *, m: int, n: NDArray[np.float64]) -> NDArray[np.float64]:
    """z >= 0 with P(|Z| > z) = P(F_{m,n} > f), of the shape of `f`; 0 for f = 0.

    Args:
        f: F statistics, 0 or more.
        m: Coefficients tested.
        n: Degrees of freedom of what is left, of a shape that goes with `f`.
    """
    f, n = np.broadcast_arrays(np.asarray(f, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if m == 1 and n.min(initial=np.inf) >= MANY:
        return np.asarray((8 * n + 1) / (8 * n + 3) * np.sqrt(n * np.log1p(f / n)))
    p = stats.f.sf(f, m, n)
    log_p = np.log(np.maximum(p, SMALLEST))
    far = p < SMALLEST
    log_p[far] = _log_tail(f[far], m, n[far])
    return np.maximum(-special.ndtri_exp(np.minimum(log_p - np.log(2), -np.log(2))), 0.0)


def _log_tail(f: NDArray[np.float64], m: int, n: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = n / 2, m / 2
    odds = n / (m * f)
    total, term = np.ones_like(f), np.ones_like(f)
    for k in range(1, TERMS):
        term = term * (b - k) / (a + k) * odds
        total += term
    log_x, log_rest = -np.log1p(m * f / n), -np.log1p(odds)
    return a * log_x + (b - 1) * log_rest - np.log(a) - special.betaln(a, b) + np.log(total)
