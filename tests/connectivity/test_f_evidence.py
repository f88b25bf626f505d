"""F statistics as z against mpmath's incomplete beta function and scipy's normal distribution."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from neurofit.connectivity.f_evidence import f_evidence


@pytest.mark.parametrize(("f", "m", "n"), [(1.3, 10, 900), (9.0, 1, 50), (6.0, 3, 12000)])
def test_p_is_that_of_the_f_distribution(f: float, m: int, n: int) -> None:
    z = f_evidence(np.array([f]), m=m, n=np.array([n]))
    assert 2 * stats.norm.sf(z[0]) == pytest.approx(stats.f.sf(f, m, n), rel=1e-9)


@pytest.mark.parametrize(("f", "m", "n"), [(200.0, 10, 5000), (900.0, 3, 200_000), (4000.0, 1, 900), (950.0, 2, 6000)])
def test_the_tail_where_p_underflows(f: float, m: int, n: int) -> None:
    z = float(f_evidence(np.array([f]), m=m, n=np.array([n]))[0])
    with mpmath.workdps(30):
        x = mpmath.mpf(n) / (n + m * mpmath.mpf(f))
        p = mpmath.betainc(mpmath.mpf(n) / 2, mpmath.mpf(m) / 2, 0, x, regularized=True)
        tail = mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2))
        assert p < mpmath.mpf("1e-280")
        assert float(abs(mpmath.log(tail) - mpmath.log(p))) < 1e-6 * float(-mpmath.log(p))


def test_one_coefficient_is_a_t_test() -> None:
    t = np.array([0.2, 1.7, 4.4])
    z = f_evidence(t**2, m=1, n=np.array([1e7]))
    np.testing.assert_allclose(z, t, rtol=1e-4)


@pytest.mark.parametrize("n", [1000, 12_000])
def test_the_transformation_for_many_degrees_of_freedom_agrees_with_the_test(n: int) -> None:
    t = np.array([0.0, 0.3, 1.0, 2.5, 4.0, 9.0, 15.0, 30.0])
    exact = np.append(0.0, -special.ndtri_exp(stats.t.logsf(t[1:], n)))
    np.testing.assert_allclose(f_evidence(t**2, m=1, n=np.array([float(n)])), exact, rtol=2e-5, atol=1e-6)


def test_no_effect_is_no_evidence_and_more_is_more() -> None:
    f = np.array([0.0, 0.5, 1.0, 5.0, 50.0, 90.0, 130.0, 500.0])
    z = f_evidence(f, m=10, n=np.array([1e5]))
    assert z[0] == 0.0
    assert (np.diff(z) > 0).all()
