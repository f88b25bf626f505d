"""The script that redraws the founding paper: files, numbers against literal answers, and verdicts both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nayebi2015_figures as script
import numpy as np
import pytest
import torch
from nayebi2015 import measures, spiking, windows
from nayebi2015.claims import CLAIMS, Arms
from nayebi2015.lab import OneStep
from nayebi2015.plan import Arm, Plan, Snapshot, make_plan
from nayebi2015.verdicts import Evidence, Range, decide

from neurofit.metrics import ErrorSums, spike_f1
from neurofit_io import Provenance, Recording, RecordingError, save, signal_from_array

STEPS, CHANNELS = 1600, 4
GRU, LSTM = Arm("gru", 60), Arm("lstm", 60)


def voltage() -> np.ndarray:
    """Channels of noise with a downward spike of 1 ms now and then, uV, at 10 kHz."""
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.standard_normal((STEPS, CHANNELS)), axis=0) * 0.05 + rng.standard_normal((STEPS, CHANNELS))
    for channel in range(CHANNELS):
        for start in rng.choice(STEPS - 20, 6 * (channel + 1), replace=False):
            values[start : start + 10, channel] -= 40 * np.hanning(10)
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What one run of the script leaves: 3 epochs, one channel shown."""
    out = tmp_path_factory.mktemp("nayebi2015")
    signal = signal_from_array(voltage(), name="extracellular", rate_hz=10000.0, unit="uV")
    save(Recording(Provenance(Path("memory"), "memory"), {"extracellular": signal}), out / "tiny.h5")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurofit.estimators.fitting.report_fit", lambda *args, **more: None)
        patch.setattr(script.figures, "figure_png", partial(script.figures.figure_png, dpi=30))
        assert run(out, "--models=gru,lstm", "--chunks", "60,2000", "--channels", "3") == 0
        yield out
    torch.set_num_threads(threads)


def run(out: Path, *more: str) -> int:
    return script.main([str(out / "tiny.h5"), "--out", str(out / "run"), "--epochs", "3", "--device", "cpu", *more])


def test_every_figure_is_drawn_or_its_absence_is_explained(folder: Path) -> None:
    drawn = sorted(path.name for path in (folder / "run").glob("*.png"))
    assert drawn == [f"figure_{number:02d}.png" for number in (1, 2, 4, 6, 7, 9, 10, 11)]
    notes = json.loads((folder / "run" / "verdicts.json").read_text())["notes"]
    assert [note for note in notes if "figure" in note][:3] == [
        f"figure {number} left out: only one channel is shown" for number in (3, 5, 8)
    ]
    assert any("chunks of 2000 steps shortened to 1119" in note for note in notes)
    assert any(note.startswith("leak:") for note in notes)


def test_verdicts_are_written_with_their_numbers_and_baselines(folder: Path) -> None:
    found = json.loads((folder / "run" / "verdicts.json").read_text())
    assert len(found["claims"]) == len(CLAIMS) + 1
    assert found["channels"] == [3]
    for claim in found["claims"]:
        for where in {"in-sample", "held-out"} & claim.keys():
            assert claim[where]["evidence"]
            intervals = [each["ci95"] for each in claim[where]["evidence"]]
            assert (claim[where]["verdict"] == "cannot be told") == (None in intervals)
    arms = {(row["arm"], row["paper_epoch"]) for row in found["snapshots"]}
    assert arms == {
        *(("gru-c60", stage) for stage in (105, 255, 605, 1000)), *(("lstm-c60", stage) for stage in (105, 255)),
        ("gru-c1119", 105),
    }  # fmt: skip
    assert {"network", "persistence", "ar"} <= found["snapshots"][0]["held-out"].keys()
    page = (folder / "run" / "verdicts.md").read_text()
    assert all(claim.text in page for claim in CLAIMS)


def test_the_same_command_goes_on_with_the_runs_that_are_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = sorted((folder / "run" / "runs").glob("*/model.safetensors"))
    before = [path.stat().st_mtime_ns for path in weights]
    monkeypatch.setattr(script, "draw", lambda *args: script.figures.loss_curves([1], [1.0], [1.0], {}))
    monkeypatch.setattr(script, "judge", lambda *args: [])
    assert run(folder, "--models=gru,lstm", "--chunks", "60,2000", "--channels", "3") == 0
    assert [path.stat().st_mtime_ns for path in weights] == before


def test_mistakes_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--channels", "9"], ["--models", "gru,gru"], ["--chunks", "0"], ["--seeds", "0"]):
        assert run(folder, *words) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_panels_hold_what_a_literal_loop_predicts(folder: Path) -> None:
    lab = _lab(folder)
    (in_sample, held_out), _ = windows.make_windows(lab.series, 60)
    network = lab.models[GRU, 0].network()
    for window in (in_sample, held_out):
        values = torch.tensor(lab.series.read(window.warm, window.stop))
        expected = np.full((window.stop - window.warm, CHANNELS), np.nan)
        state = network.initial_state(1)
        with torch.no_grad():
            for step in range(window.stop - window.warm - 1):
                fed = values[step] if step < window.forced - window.warm else torch.tensor(expected[step]).float()
                read_out, state = network(fed[None, None], state)
                expected[step + 1] = read_out[0, 0].numpy()
        found = windows.network_window(network, lab.series, window)
        np.testing.assert_allclose(found, expected[window.start - window.warm :], rtol=1e-4, atol=1e-5)


def test_baselines_of_a_panel_hold_their_last_value_when_they_run_free(folder: Path) -> None:
    lab = _lab(folder)
    (in_sample, held_out), _ = windows.make_windows(lab.series, 60)
    persistence = lab.models[GRU, 0].fitted.baselines.predictors()["persistence"]
    values = lab.series.in_score_units(lab.series.read(0, lab.series.n_steps))
    found = windows.linear_window(persistence, lab.series, held_out)
    np.testing.assert_array_equal(found[:60], values[held_out.start - 1 : held_out.forced - 1])
    np.testing.assert_array_equal(found[60:], np.broadcast_to(values[held_out.forced - 1], (15, CHANNELS)))
    assert np.isnan(windows.linear_window(persistence, lab.series, in_sample)[0]).all()


def _lab(folder: Path) -> Any:
    """The fitted arms of the script's run, read back."""
    from neurofit import NextStep, load
    from neurofit.preparation import prepare

    recording = load(folder / "tiny.h5")
    model = NextStep.load(folder / "run" / "runs" / "gru-c60-s0")
    with pytest.warns(match="leak"):
        series = prepare(recording, model.options.prepare)
    return SimpleNamespace(series=series, models={(GRU, 0): model})


def _evidence(*intervals: tuple[float, float] | None) -> list[Evidence]:
    return [Evidence("a ratio", None if each is None else sum(each) / 2, each) for each in intervals]


@pytest.mark.parametrize(
    ("claimed", "intervals", "word"),
    [
        (Range(1.0, None), [(1.1, 1.3)], "supported"),
        (Range(1.0, None), [(0.7, 0.9)], "contradicted"),
        (Range(1.0, None), [(0.9, 1.1)], "not supported"),
        (Range(1.0, None), [(1.1, 1.3), (0.7, 0.9)], "not supported"),
        (Range(1.0, None), [(1.1, 1.3), None], "cannot be told"),
        (Range(1.0, None), [], "cannot be told"),
        (Range(None, 1.0), [(0.7, 0.9)], "supported"),
        (Range(None, 1.0), [(1.1, 1.3)], "contradicted"),
        (Range(0.9, 1.1), [(0.95, 1.05)], "supported"),
        (Range(0.9, 1.1), [(1.05, 1.15)], "not supported"),
        (Range(0.9, 1.1), [(1.12, 1.15)], "contradicted"),
        (Range(0.9, 1.1), [(0.5, 0.6)], "contradicted"),
        (Range(0.0, None), [(0.0, 0.0)], "contradicted"),
    ],
)
def test_a_verdict_follows_from_intervals(claimed: Range, intervals: list[Any], word: str) -> None:
    assert decide(_evidence(*intervals), claimed) == word


@pytest.mark.parametrize(("gru_noise", "lstm_noise", "word"), [(0.1, 0.3, "supported"), (0.3, 0.1, "contradicted")])
def test_noise_at_rest_decides_the_claim_both_ways(gru_noise: float, lstm_noise: float, word: str) -> None:
    rng = np.random.default_rng(1)
    truth = rng.standard_normal((4000, CHANNELS)).astype(np.float32)
    noise = {GRU: gru_noise, LSTM: lstm_noise}

    def one_step(snapshot: Snapshot, seed: int, where: str) -> OneStep:
        off = np.random.default_rng(seed).standard_normal(truth.shape).astype(np.float32)
        return OneStep({}, truth, truth + noise[snapshot.arm] * off, np.roll(truth, 1, axis=0))

    plan = Plan(1000, {GRU: 1000, LSTM: 255}, (), {}, ())
    lab = SimpleNamespace(one_step=one_step, rate_hz=10000.0, plan=plan, spikes=lambda v: [np.array([2000])] * CHANNELS)
    claim = next(each for each in CLAIMS if "adds noise" in each.text)
    evidence = [each for s in (0, 1) for each in claim.measure(lab, Arms(GRU, LSTM, None), "held-out", s)]  # type: ignore[arg-type]
    assert decide(evidence, claim.claimed) == word
    assert evidence[0].value == pytest.approx(lstm_noise / gru_noise)


def test_ratios_of_errors_are_those_of_the_sums() -> None:
    truth = np.random.default_rng(2).standard_normal((4000, 3))
    sums = []
    for error in (0.2, 0.4):
        one = ErrorSums()
        one.add(truth, truth + error * np.random.default_rng(3).standard_normal(truth.shape))
        sums.append(one)
    found = dict(zip((GRU, LSTM), sums, strict=True))
    plan = Plan(1000, {GRU: 1000, LSTM: 255}, (), {}, ())
    lab: Any = SimpleNamespace(
        one_step=lambda snapshot, seed, where: SimpleNamespace(sums={"network": found[snapshot.arm]}), plan=plan
    )
    ratio = measures.error_ratio(lab, Snapshot(LSTM, 255), Snapshot(GRU, 255), "held-out", 0)
    assert ratio.value == pytest.approx(4.0)
    assert ratio.ci95 == pytest.approx((4.0, 4.0))


def test_counts_by_step_add_up_to_f1() -> None:
    rng = np.random.default_rng(4)
    true = [np.sort(rng.choice(5000, 60, replace=False)) for _ in range(3)]
    predicted = [np.unique(np.clip(train + rng.integers(-9, 10, 60), 0, 4999)) for train in true]
    trains = {0.0: true, 1.0: predicted}
    lab: Any = SimpleNamespace(rate_hz=10000.0, spikes=lambda values: trains[float(values[0, 0])])
    counts = spiking.match_counts(lab, np.zeros((5000, 3), np.float32), np.ones((5000, 3), np.float32))
    f1 = spike_f1([t / 1e4 for t in true], [t / 1e4 for t in predicted], 0.0005).f1
    assert 0.3 < f1 < 0.9
    assert counts[:, 0].sum() / counts[:, 1].sum() == pytest.approx(f1)


def test_kept_bytes_of_a_layer_that_can_be_counted_by_hand() -> None:
    class Plain(torch.nn.Module):
        """One tanh layer: kept are 11 steps of values, which hold its input and the target, and 10 of its output."""

        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(3, 3)

        def initial_state(self, batch: int) -> tuple[()]:
            return ()

        def forward(self, x: torch.Tensor, state: tuple[()]) -> tuple[torch.Tensor, tuple[()]]:
            return torch.tanh(self.head(x)), state

    values = torch.randn(1, 11, 3)
    assert measures.kept_bytes(Plain(), values) == 4 * 3 * (11 + 10)  # type: ignore[arg-type]


def test_the_plan_follows_the_paper_in_proportion() -> None:
    plan = make_plan(("gru", "lstm", "peephole-lstm"), (1000, 3000), epochs=200, n_channels=2, longest=42000)
    assert [plan.epoch(stage) for stage in (105, 255, 605, 1000)] == [21, 51, 121, 200]
    assert {arm.name: stage for arm, stage in plan.arms.items()} == {
        "gru-c1000": 1000, "lstm-c1000": 255, "peephole-lstm-c1000": 255, "gru-c3000": 105,
    }  # fmt: skip
    assert [figure.number for figure in plan.figures] == list(range(1, 12))
    assert not plan.notes
    assert not plan.skipped
    panels = {f.number: ([s.arm.name for s in f.snapshots], f.snapshots[0].stage, f.channels) for f in plan.figures}
    assert panels[5] == (["gru-c1000", "lstm-c1000", "peephole-lstm-c1000"], 255, (1,))
    assert panels[7] == (["gru-c1000", "gru-c3000"], 105, (0,))
    assert panels[11] == (["gru-c1000"], 1000, (0, 1))
    long = make_plan(("gru", "lstm"), (1000, 3000), epochs=1000, n_channels=2, longest=42000, every=True)
    assert set(long.arms.values()) == {1000}
    assert len(long.arms) == 4


def test_what_cannot_be_done_is_said() -> None:
    short = make_plan(("gru",), (1000, 3000), epochs=1000, n_channels=2, longest=800)
    assert {arm.name for arm in short.arms} == {"gru-c799"}
    assert [note.split(":")[0] for note in short.notes] == [
        "chunks of 1000 steps shortened to 799", "chunks of 3000 steps shortened to 799",
        "chunks of 3000 steps left out",
    ]  # fmt: skip
    assert sorted(short.skipped) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert make_plan(("lstm",), (10,), epochs=1, n_channels=1, longest=80).figures == ()
    with pytest.raises(RecordingError, match="--models"):
        make_plan((), (10,), epochs=1, n_channels=1, longest=80)
