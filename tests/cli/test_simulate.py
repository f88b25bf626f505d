"""`neurofit simulate KIND`: every kind end to end at tiny sizes, and mistakes that end before anything is simulated."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import commands
import numpy as np
import pytest

from neurofit.cli.simulate import KINDS
from neurofit.estimators import simulated
from neurofit.estimators.simulated import write_simulation
from neurofit.simulate.degradation import degrade
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.lif_pair import simulate_lif_pair
from neurofit.simulate.system_options import LifPairOptions
from neurofit_io import RecordingError, load
from neurofit_io.comparing import differences

TINY = {
    "network": ("--neurons", 20, "--duration-s", 0.3),
    "lif-pair": ("--duration-s", 2, "--dt-ms", 0.2),
    "lorenz": ("--neurons", 5, "--conditions", 3, "--trials", 4),
    "chaotic": ("--neurons", 6, "--conditions", 3, "--trials", 4, "--duration-s", 0.3),
    "pulse": ("--neurons", 6, "--conditions", 3, "--trials", 4, "--duration-s", 0.3),
    "reaching": ("--neurons", 6, "--targets", 3, "--trials", 4),
}
"""Options of each kind that take no time."""

SIGNALS = {
    "network": {"vm", "calcium", "extracellular", "lfp"},
    "lif-pair": {"vm"},
    "lorenz": {"true_rates", "latents"},
    "chaotic": {"true_rates", "latents"},
    "pulse": {"true_rates", "latents", "inputs"},
    "reaching": {"true_rates", "latents", "hand_velocity"},
}


@pytest.fixture
def blank_figures(monkeypatch):
    """Figures take longer than everything else."""
    monkeypatch.setattr(simulated, "_draw", lambda recording, figure, target: figure.write_bytes(b""))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_writes_a_recording_and_a_figure(neurofit, tmp_path, monkeypatch, kind):
    drawn = kind in ("network", "pulse")
    if not drawn:
        monkeypatch.setattr(simulated, "_draw", lambda recording, figure, target: figure.write_bytes(b""))
    out = tmp_path / "made.h5"
    end = neurofit("simulate", kind, "--out", out, *TINY[kind])
    assert (end.code, end.err) == (0, "")
    assert left_in(tmp_path) == ["made.h5", "made.png"]
    assert (tmp_path / "made.png").read_bytes().startswith(b"\x89PNG") == drawn
    recording = load(out)
    assert set(recording.signals) == SIGNALS[kind]
    assert recording.spikes is not None
    mean_hz = recording.spikes.n_spikes / recording.spikes.n_units
    assert f"{recording.spikes.n_units} cells, {recording.spikes.n_spikes} spikes" in end.out
    assert ("CV of intervals" in end.out) == (recording.trials is None)
    assert (" trials of 3 conditions: " in end.out) == (recording.trials is not None)
    if recording.trials is None:
        assert f"mean rate {mean_hz / recording.spikes.duration_s:.2f} Hz" in end.out
    if recording.connectivity is not None:
        truth = recording.connectivity
        assert f"{truth.n_connected_pairs} of {truth.n_possible_pairs} pairs connected" in end.out
    assert "CPU s to simulate" in end.out
    assert end.out.endswith(f"written: {out} and {tmp_path / 'made.png'}\n")


@pytest.mark.parametrize("kind", KINDS)
def test_help_of_every_kind(neurofit, kind):
    end = neurofit("simulate", kind, "--help")
    assert (end.code, end.err) == (0, "")
    assert f"usage: neurofit simulate {kind}" in end.out
    for option in ("--out", "--seed", "--hidden-cells", "--measurement-noise-mv", "--frame-rate-hz", "--missed-spikes"):
        assert option in end.out


def test_helps_stay_light():
    words = [["simulate", "--help"], *(["simulate", kind, "--help"] for kind in KINDS)]
    script = f"""
import contextlib, io, sys
sys.path[:0] = {[str(commands.ROOT), str(commands.ROOT / "io")]!r}
from neurofit.cli.main import main
for words in {words!r}:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(words)
print(*sorted({{"torch", "scipy", "h5py", "neurofit.simulate.membrane"}} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_kinds_are_listed(neurofit):
    assert neurofit("simulate").code == 2
    listed = neurofit("simulate", "--help")
    assert listed.code == 0
    assert all(f"  {kind} " in listed.out for kind in KINDS)
    wrong = neurofit("simulate", "weather", "--out", "x.h5")
    assert (wrong.code, wrong.out) == (2, "")
    assert "no kind 'weather'; expected one of network, lif-pair" in wrong.err


@pytest.mark.usefixtures("blank_figures")
def test_raw_folder_and_nwb_come_back(neurofit, tmp_path):
    for suffix in (".h5", ".nwb", ".bin"):
        end = neurofit("simulate", "lif-pair", "--out", tmp_path / f"made{suffix}", "--overwrite", *TINY["lif-pair"])
        assert end.code == 0
    first, *others = (load(tmp_path / f"made{suffix}") for suffix in (".h5", ".nwb", ".bin"))
    assert differences(first, others[0]) == []
    np.testing.assert_array_equal(first.signals["vm"].read(), others[1].signals["vm"].read())
    np.testing.assert_array_equal(first.spikes.times_s, others[1].spikes.times_s)
    np.testing.assert_array_equal(first.connectivity.weight, others[1].connectivity.weight)


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.filterwarnings("always::neurofit_io.errors.RecordingWarning")
def test_trials_come_back_from_a_raw_folder(neurofit, tmp_path):
    assert neurofit("simulate", "pulse", "--out", tmp_path / "made.h5", *TINY["pulse"]).code == 0
    end = neurofit("simulate", "pulse", "--out", tmp_path / "raw.bin", *TINY["pulse"])
    assert end.code == 0
    assert end.err.startswith("warning: ")
    assert "observed intervals of spikes" in end.err
    whole, raw = load(tmp_path / "made.h5").trials, load(tmp_path / "raw.bin").trials
    for name in ("condition", "split", "direction", "pulse_s"):
        np.testing.assert_array_equal(raw.columns[name], whole.columns[name])


@pytest.mark.usefixtures("blank_figures")
def test_damage_is_done_and_said(neurofit, tmp_path):
    plain, spoiled = tmp_path / "plain.h5", tmp_path / "spoiled.h5"
    network = ("simulate", "network", *TINY["network"], "--seed", 4, "--out")
    damage = ("--hidden-cells", 0.25, "--measurement-noise-mv", 2, "--frame-rate-hz", 500, "--missed-spikes", 0.5)
    assert neurofit(*network, plain).code == 0
    end = neurofit(*network, spoiled, *damage)
    assert end.code == 0
    assert "5 of 20 cells are hidden" in end.out
    assert "white noise of 2 mV on vm" in end.out
    assert "20 cells, " in end.out
    options = DegradationOptions(hidden_cells=0.25, measurement_noise_mv=2.0, frame_rate_hz=500.0, missed_spikes=0.5)
    expected, found = degrade(load(plain), options, seed=4), load(spoiled)
    assert differences(expected, found) == []
    assert found.signals["vm"].shape == (150, 15)
    assert found.connectivity.shape == (15, 15)


@pytest.mark.usefixtures("blank_figures")
def test_what_is_there_is_kept_unless_told(neurofit, tmp_path):
    out = tmp_path / "made.h5"
    out.write_text("mine")
    end = neurofit("simulate", "lorenz", "--out", out, *TINY["lorenz"])
    assert (end.code, end.out) == (1, "")
    assert end.err == f"neurofit: {out}: is there already; give another name, or --overwrite\n"
    out.rename(tmp_path / "made.png")
    assert neurofit("simulate", "lorenz", "--out", out, *TINY["lorenz"]).code == 1
    assert (tmp_path / "made.png").read_text() == "mine"
    assert left_in(tmp_path) == ["made.png"]
    assert neurofit("simulate", "lorenz", "--out", out, *TINY["lorenz"], "--overwrite").code == 0
    assert load(out).spikes.n_units == 5


@pytest.mark.usefixtures("blank_figures")
def test_a_raw_folder_is_replaced_whole_or_not_at_all(neurofit, tmp_path, monkeypatch):
    out = tmp_path / "made.bin"
    words = ("simulate", "lif-pair", "--out", out, *TINY["lif-pair"], "--overwrite")
    assert neurofit(*words).code == 0
    first = load(out).spikes.times_s

    def fail(recording, path):
        path.mkdir()
        (path / "half.bin").write_text("half")
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(simulated, "save", fail)
        end = neurofit(*words, "--seed", 1)
    assert end.code == 1
    assert "No space left on device" in end.err
    np.testing.assert_array_equal(load(out).spikes.times_s, first)
    assert neurofit(*words, "--seed", 1).code == 0
    assert not np.array_equal(load(out).spikes.times_s, first)
    assert left_in(tmp_path) == ["made.bin", "made.png"]


def test_a_folder_of_something_else_is_never_replaced(neurofit, tmp_path):
    mine = tmp_path / "mine.bin"
    mine.mkdir()
    (mine / "thesis.tex").write_text("mine")
    end = neurofit("simulate", "lif-pair", "--out", mine, "--overwrite", *TINY["lif-pair"])
    assert end.code == 1
    assert "is a folder of something else" in end.err
    assert (mine / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--out", "x.txt"), 1, "x.txt: suffix '.txt'; expected one of .nwb, .h5, .hdf5, .bin"),
        (("--out", "x.bin", "--compress"), 1, "raw files are never compressed"),
        (("--out", "x.h5", "--frame-rate-hz", 3), 1, "a whole number; say --frame-rate-hz"),
        (("--out", "x.h5", "--neurons", 0), 2, "--neurons 0; expected 2"),
        (("--out", "x.h5", "--neurons", "many"), 2, "many"),
        (("--out", "x.h5", "--missed-spikes", 2), 2, "--missed-spikes 2.0; expected a share"),
        ((), 2, "--out"),
    ],
)
def test_mistakes_end_before_anything_is_simulated(neurofit, tmp_path, monkeypatch, words, code, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neurofit.simulate.network.simulate_network", None)
    end = neurofit("simulate", "network", *words)
    assert (end.code, end.out) == (code, "")
    assert message in " ".join(end.err.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


def test_noise_without_voltages_is_refused(neurofit, tmp_path):
    end = neurofit("simulate", "lorenz", "--out", tmp_path / "x.h5", *TINY["lorenz"], "--measurement-noise-mv", 1)
    assert end.code == 1
    assert "no vm; expected voltages to add noise to" in end.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_left_of_a_simulation_that_ends_early(tmp_path, error):
    def simulate(folder, progress):
        (folder / "vm.f4").write_bytes(b"0" * 1000)
        assert len(list(tmp_path.iterdir())) == 1
        raise error

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        write_simulation(simulate, tmp_path / "x.h5", show=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("blank_figures")
def test_works_in_a_thread_and_compresses(tmp_path):
    def work():
        for name, compress in (("loose.h5", False), ("packed.h5", True)):
            write_simulation(
                lambda folder, progress: simulate_lif_pair(LifPairOptions(duration_s=1.0)), tmp_path / name,
                compress=compress, show=False,
            )  # fmt: skip

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    loose, packed = tmp_path / "loose.h5", tmp_path / "packed.h5"
    assert packed.stat().st_size < 0.9 * loose.stat().st_size
    assert differences(load(loose), load(packed)) == []


def test_a_file_is_no_raw_folder(tmp_path):
    (tmp_path / "x.bin").write_text("mine")
    with pytest.raises(RecordingError, match="is a file"):
        write_simulation(lambda folder, progress: simulate_lif_pair(), tmp_path / "x.bin", overwrite=True)
