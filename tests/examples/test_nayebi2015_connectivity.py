"""The script that redraws section 6 of the founding paper: files, verdicts both ways, and averages against a loop."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nayebi2015_connectivity as script
import numpy as np
import pytest
from nayebi2015 import connection_claims as claims
from nayebi2015.unconnected import average_pair, lag_steps, shown_pairs, window_average
from nayebi2015.verdicts import decide

from neurofit.connectivity.input_correlation import InputCorrelation
from neurofit.connectivity.unconnected_averages import Share
from neurofit.estimators.connectivity_current import InputScore
from neurofit_io import signal_from_array, spikes_from_lists

BIONET = Path(__file__).parent.parent.parent / "examples" / "data" / "bionet_60cells"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the script leaves."""
    out = tmp_path_factory.mktemp("section6")
    with pytest.MonkeyPatch.context() as patch:
        # Rendering takes as long as all the rest, and is tested with the figures.
        patch.setattr(script.figures, "figure_png", lambda figure: b"drawn" if figure.axes else b"")
        assert script.main([str(BIONET), "--out", str(out)]) == 0
    return out


def test_every_figure_is_drawn(folder: Path) -> None:
    drawn = sorted(path.name for path in folder.glob("*.png") if path.read_bytes())
    assert drawn == [f"figure_{name}.png" for name in ("13", "13_causes", "14", "15", "16")]


def test_verdicts_are_written_with_numbers_and_chance(folder: Path) -> None:
    found = json.loads((folder / "verdicts.json").read_text())
    assert len(found["claims"]) == len(claims.CLAIMS)
    for claim in found["claims"]:
        for where in {claims.PAPER, claims.CORRECTED} & claim.keys():
            assert claim[where]["verdict"] != "cannot be told"
            assert all(each["ci95"][0] <= each["value"] <= each["ci95"][1] for each in claim[where]["evidence"])
    assert [row["paper"] for row in found["methods"]] == [True, True, True, False, False, False]
    assert all(row["ap_chance"] == pytest.approx(414 / 3540) for row in found["methods"])
    assert max(found["methods"], key=lambda row: row["ap"])["method"].startswith("gls")
    assert sum(row["pairs"] for row in found["path_lengths"]) == 50 * 59
    assert any("unit of C = 35" in note for note in found["notes"])
    page = (folder / "verdicts.md").read_text()
    assert all(claim.text in page for claim in claims.CLAIMS)


def test_a_recording_without_truth_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from neurofit_io import Provenance, Recording, save

    signal = signal_from_array(np.zeros((500, 2)), name="vm", rate_hz=1000.0, unit="mV")
    spikes = spikes_from_lists([[0.1], [0.2]], stop_s=0.5)
    save(Recording(Provenance(Path("memory"), "memory"), {"vm": signal}, {"spikes": spikes}), tmp_path / "a.h5")
    assert script.main([str(tmp_path / "a.h5"), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no true weights" in line
    assert not (tmp_path / "out").exists()


def test_an_average_is_the_mean_of_its_windows() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4000, 2)).astype(np.float32)
    steps = [5, 1000, 2000, 3990]
    vm = signal_from_array(values, name="vm", rate_hz=10000.0, unit="mV")
    spikes = spikes_from_lists([[], np.array(steps) / 10000], stop_s=0.4)
    found = average_pair(vm, spikes, 0, 1, rng=rng)
    expected = [np.mean([values[step + lag, 0] for step in steps[:3]]) for lag in range(1, 301)]
    np.testing.assert_allclose(found.raw, expected, rtol=1e-5)
    np.testing.assert_array_equal(found.raw, found.blanked)
    inside = (found.raw > found.chance[0]) & (found.raw < found.chance[1])
    assert 0.85 < inside.mean() < 1
    np.testing.assert_array_equal(window_average(values[:, 0], steps, lag_steps(vm)), found.raw)


def test_the_pair_shown_first_stands_out_of_chance() -> None:
    power = np.array([[1.0, 2.0, 8.0], [1.0, 1.0, 3.0], [90.0, 2.0, 1.0]])
    unconnected = ~np.eye(3, dtype=bool)
    found: Any = SimpleNamespace(
        unconnected=unconnected, n_spikes=np.array([3, 20, 20]), raw=power, shifted=np.ones((3, 3))
    )
    first, middle = shown_pairs(found)
    assert first == (0, 2)
    assert middle in ((0, 1), (2, 1), (1, 2))


def _score(r: np.ndarray, chance: float, what: str = "averaged input", tau_ms: float | None = None) -> InputScore:
    level = np.full(len(r), chance)
    return InputScore(what, tau_ms, True, InputCorrelation(r, level, r, np.zeros(len(r)), level))


@pytest.mark.parametrize(
    ("middle", "word"), [(0.2, "supported"), (0.0, "not supported"), (-0.3, "contradicted"), (0.8, "contradicted")]
)
def test_weak_and_positive_can_fail_both_ways(middle: float, word: str) -> None:
    r = middle + 0.05 * np.random.default_rng(0).standard_normal(200)
    claim = next(each for each in claims.CLAIMS if "weakly" in each.text)
    assert decide([claims.median_correlation(_score(r, 0.1))], claim.claimed) == word


def test_cells_above_chance_are_counted() -> None:
    r = np.array([0.5, -0.5, 0.01, np.nan])
    found = claims.share_above_chance(_score(r, 0.1, "input", 3.5))
    assert found.value == pytest.approx(2 / 3)
    assert found.ci95 is not None
    assert found.ci95[0] < 2 / 3 < found.ci95[1]
    assert claims.share_above_chance(_score(np.full(2, np.nan), 0.1)).ci95 is None


@pytest.mark.parametrize(("share", "word"), [(0.9, "supported"), (0.1, "contradicted"), (0.5, "not supported")])
def test_explanations_of_averages_can_fail(share: float, word: str) -> None:
    found = Share(share, share - 0.05, share + 0.05)
    averages = SimpleNamespace(noise=lambda: found, noise_blanked=lambda: found)
    claim = next(each for each in claims.CLAIMS if "noise" in each.text)
    findings: Any = SimpleNamespace(averages=averages)
    assert decide(claim.measures[claims.PAPER](findings), claim.claimed) == word
    missing = Share(float("nan"), float("nan"), float("nan"))
    findings.averages = SimpleNamespace(noise=lambda: missing)
    assert decide(claim.measures[claims.PAPER](findings), claim.claimed) == "cannot be told"
