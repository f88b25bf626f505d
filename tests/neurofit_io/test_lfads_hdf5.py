"""The three families of LFADS files, read against the arrays written and written against h5py."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurofit_io import RecordingError, load
from neurofit_io.lfads_writing import write_lfads
from neurofit_io.recording import Provenance, Recording

RNG = np.random.default_rng(0)
TRAIN, VALID, TEST = (RNG.poisson(1.0, (n, 6, 4)) for n in (5, 2, 3))
FAMILIES: dict[str, dict[str, np.ndarray]] = {
    "lfads-torch": {
        "train_encod_data": TRAIN, "valid_encod_data": VALID, "test_encod_data": TEST,
        "train_recon_data": TRAIN, "valid_recon_data": VALID, "test_recon_data": TEST,
    },
    "autolfads": {
        "train_data": TRAIN, "valid_data": VALID, "test_data": TEST,
        "train_inds": np.arange(5), "valid_inds": np.array([5, 6]), "test_inds": np.array([7, 8, 9]),
    },
    "nlb": {"train_spikes_heldin": TRAIN, "eval_spikes_heldin": TEST},
}  # fmt: skip


def write(path: Path, arrays: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


@pytest.mark.parametrize("family", FAMILIES)
def test_families(tmp_path: Path, family: str) -> None:
    path = write(tmp_path / "x.h5", FAMILIES[family])
    with pytest.raises(RecordingError, match="no bin width in the file; give --rate-hz"):
        load(path)
    got = load(path, rate_hz=200)
    assert (got.provenance.format, got.provenance.metadata["family"], list(got.signals)) == (
        "lfads",
        family,
        ["counts"],
    )
    blocks = [TRAIN, TEST] if family == "nlb" else [TRAIN, VALID, TEST]
    expected = np.concatenate(blocks)
    signal = got.signals["counts"]
    np.testing.assert_array_equal(signal.read(), expected.reshape(-1, 4))
    np.testing.assert_array_equal(signal.read(27, 40, [3, 0]), expected.reshape(-1, 4)[27:40, [3, 0]])
    assert [(s.start, s.stop) for s in signal.segments] == [(6 * k, 6 * k + 6) for k in range(len(expected))]
    assert got.trials is not None
    names = ["train", "test"] if family == "nlb" else ["train", "valid", "test"]
    assert got.trials.columns["split"].tolist() == [n for n, b in zip(names, blocks, strict=True) for _ in b]
    np.testing.assert_allclose(got.trials.stop_s - got.trials.start_s, 6 / 200)
    if family == "autolfads":
        assert got.trials.columns["trial_index"].tolist() == list(range(10))


def test_truth_comes_in_hz(tmp_path: Path) -> None:
    truth = RNG.random((5, 6, 4)), RNG.random((2, 6, 4))
    arrays = {"train_data": TRAIN, "valid_data": VALID, "train_truth": truth[0], "valid_truth": truth[1]}
    path = write(tmp_path / "x.h5", arrays | {"conversion_factor": 0.25, "train_ext_input": np.ones((5, 6, 2))})
    got = load(path, rate_hz=100)
    rates = got.signals["true_rates"]
    assert (rates.unit, rates.kind) == ("Hz", "true_rates")
    np.testing.assert_allclose(rates.read(), np.concatenate(truth).reshape(-1, 4) / 0.25 * 100, rtol=1e-6)
    assert got.signals["ext_input"].shape == (30, 2)


def test_held_out_units_and_time_to_predict(tmp_path: Path) -> None:
    arrays = {
        "train_spikes_heldin": TRAIN, "eval_spikes_heldin": TEST, "train_spikes_heldout": TRAIN[..., :2],
        "eval_spikes_heldin_forward": np.ones((3, 2, 4)), "eval_spikes_heldout": np.ones((3, 6, 0)),
        "train_spikes_heldin_forward": 2 * np.ones((5, 2, 4)), "train_cond_idx": np.arange(5), "note": b"text",
    }  # fmt: skip
    got = load(write(tmp_path / "x.h5", arrays), rate_hz=10)
    forward = got.signals["counts_heldin_forward"]
    assert (forward.shape, got.signals["counts_heldout"].shape) == ((16, 4), (30, 2))
    np.testing.assert_allclose([s.start_s for s in forward.segments], 0.8 * np.arange(8) + 0.6)
    np.testing.assert_allclose([s.start_s for s in got.signals["counts"].segments], 0.8 * np.arange(8))
    assert "not read: eval_spikes_heldout" in got.provenance.notes


def test_more_units_to_reconstruct_than_to_encode(tmp_path: Path) -> None:
    more = np.concatenate([TRAIN, TRAIN], axis=2), np.concatenate([VALID, VALID], axis=2)
    arrays = {
        "train_encod_data": TRAIN,
        "valid_encod_data": VALID,
        "train_recon_data": more[0],
        "valid_recon_data": more[1],
    }
    got = load(write(tmp_path / "x.h5", arrays), rate_hz=10)
    assert got.signals["counts_recon"].shape == (42, 8)


def test_widths_have_to_agree(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", {"train_data": TRAIN, "valid_data": VALID[..., :3]})
    with pytest.raises(RecordingError, match="different widths: train_data 4, valid_data 3"):
        load(path, rate_hz=10)


@pytest.mark.parametrize("family", FAMILIES)
def test_written_as_the_tools_read_it(tmp_path: Path, family: str) -> None:
    arrays = FAMILIES[family]
    source = load(write(tmp_path / "in.h5", arrays), rate_hz=50)
    path = write_lfads(source, tmp_path / "out.h5", family=family)  # type: ignore[arg-type]
    with h5py.File(path) as file:
        assert set(file) == set(arrays) | {"conversion_factor"}
        for name, values in arrays.items():
            np.testing.assert_array_equal(file[name][()], values)
    again = load(path)
    assert again.signals["counts"].segments == source.signals["counts"].segments


def test_between_families_with_truth(tmp_path: Path) -> None:
    arrays = {"train_data": TRAIN, "valid_data": VALID, "train_truth": TRAIN + 0.5, "valid_truth": VALID + 0.5}
    source = load(write(tmp_path / "in.h5", arrays | {"conversion_factor": 2.0}), rate_hz=50)
    got = load(write_lfads(source, tmp_path / "out.h5", family="lfads-torch"))
    assert got.provenance.metadata["family"] == "lfads-torch"
    for name in ("counts", "true_rates"):
        np.testing.assert_allclose(got.signals[name].read(), source.signals[name].read(), rtol=1e-6)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    source = load(write(tmp_path / "in.h5", FAMILIES["autolfads"]), rate_hz=50)
    with pytest.raises(RecordingError, match="splits test, train, valid; expected train and either valid or test"):
        write_lfads(source, tmp_path / "out.h5", family="nlb")
    with pytest.raises(RecordingError, match="trials without a column 'split'"):
        write_lfads(Recording(Provenance(Path("x"), "memory"), source.signals), tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("limit", [0, 100_000])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, limit: int) -> None:
    counts = RNG.poisson(1.0, (200, 50, 8))
    source = load(write(tmp_path / "in.h5", {"train_data": counts, "valid_data": counts}), rate_hz=50)
    out = tmp_path / "out.h5"
    out.write_text("mine")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_lfads(source, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(out)
    assert out.read_text() == "mine"
    assert {file.name for file in tmp_path.iterdir()} == {"in.h5", "out.h5"}
