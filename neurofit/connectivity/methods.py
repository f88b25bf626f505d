"""The methods of inference by name: what each needs, and one call that runs any of them on a population."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neurofit.connectivity.correlogram import correlogram
from neurofit.connectivity.coupled_glm import glm
from neurofit.connectivity.dale import dale_step
from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.gls import gls
from neurofit.connectivity.lif_current_estimate import lif_current_coupling
from neurofit.connectivity.linear_coupling import linear_coupling
from neurofit.connectivity.maxent import maxent
from neurofit.connectivity.method_names import DALE_METHODS, VOLTAGE_METHODS
from neurofit.connectivity.partial_correlation import partial_correlation
from neurofit.connectivity.population import Population
from neurofit.connectivity.sta_estimates import sta, sta_corrected
from neurofit_io import RecordingError


@dataclass(frozen=True)
class Method:
    """A method of inference.

    Attributes:
        name: As `--method` has it.
        run: Estimates from (vm, spikes), or from spikes alone.
        voltage: Whether it needs membrane potentials.
    """

    name: str
    run: Callable[..., Estimate]
    voltage: bool


_RUN: dict[str, Callable[..., Estimate]] = {
    "gls": gls,
    "sta": sta,
    "sta-corrected": sta_corrected,
    "lif-current": lif_current_coupling,
    "correlogram": correlogram,
    "linear-coupling": linear_coupling,
    "partial-correlation": partial_correlation,
    "glm": glm,
    "maxent": maxent,
}

METHODS = {name: Method(name, run, name in VOLTAGE_METHODS) for name, run in _RUN.items()}


def infer(population: Population, method: str, **options: Any) -> tuple[Estimate, ...]:
    """Estimates the connections of a population.

    Args:
        population: The cells.
        method: A name of `METHODS`.
        **options: Options of the method.

    Returns:
        The estimate; that of a method of DALE_METHODS followed by the same after the Dale step.

    Raises:
        RecordingError: No such method, or the recording lacks what it needs.
    """
    if method not in METHODS:
        raise RecordingError("", f"--method {method}", expected=f"of {', '.join(METHODS)}")
    chosen = METHODS[method]
    if chosen.voltage and population.vm is None:
        spikes_only = ", ".join(name for name, each in METHODS.items() if not each.voltage)
        raise RecordingError(
            population.place, f"no membrane potentials, which {method} needs", expected="a signal vm",
            do=f"give a method of spikes alone: {spikes_only}",
        )  # fmt: skip
    taken = (population.vm, population.spikes) if chosen.voltage else (population.spikes,)
    estimate = dataclasses.replace(chosen.run(*taken, **options), method=method)
    return (estimate, dale_step(estimate)) if method in DALE_METHODS else (estimate,)
