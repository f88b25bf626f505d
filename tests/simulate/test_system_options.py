"""Options that make no sense are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from neurofit.simulate.system_options import (
    ChaoticOptions,
    LifPairOptions,
    LorenzOptions,
    PulseOptions,
    ReachingOptions,
)
from neurofit_io import RecordingError


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        (LifPairOptions, "dt_ms", 0.6),
        (LifPairOptions, "delay_ms", 0.05),
        (LifPairOptions, "duration_s", 0.0),
        (LifPairOptions, "rate_hz", 300.0),
        (LifPairOptions, "weight_ns", float("nan")),
        (LifPairOptions, "drive", "constant"),
        (LorenzOptions, "neurons", 0),
        (LorenzOptions, "trials", 2),
        (LorenzOptions, "bin_ms", 0.0),
        (LorenzOptions, "duration_s", 1.01),
        (LorenzOptions, "train_share", 1.0),
        (LorenzOptions, "seed", -1),
        (ChaoticOptions, "tau_ms", 5.0),
        (ChaoticOptions, "gain", 0.0),
        (ChaoticOptions, "peak_hz", float("inf")),
        (PulseOptions, "unperturbed", 1.0),
        (PulseOptions, "directions", 3),
        (PulseOptions, "duration_s", 0.03),
        (ReachingOptions, "targets", 1),
        (ReachingOptions, "rotation_hz", (1.0, 0.0)),
        (ReachingOptions, "decay_ms", -5.0),
    ],
)
def test_a_bad_value_names_its_option(kind: type, option: str, value: Any) -> None:
    with pytest.raises(RecordingError, match=f"--{option.replace('_', '-')} .*expected"):
        kind(**{option: value})


@pytest.mark.parametrize("kind", [LifPairOptions, LorenzOptions, ChaoticOptions, PulseOptions, ReachingOptions])
def test_the_defaults_are_fine(kind: type) -> None:
    assert kind() == kind()
