"""Several recordings of the same channels as one: order of ids, clocks of their own, what is refused or left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurofit_io import (
    Clock,
    Provenance,
    Recording,
    RecordingError,
    RecordingWarning,
    Segment,
    Signal,
    Trials,
    connectivity_from_matrix,
    load,
    save,
    signal_from_array,
    spikes_from_lists,
)
from neurofit_io.describing import describe, describe_text
from neurofit_io.joining import join
from neurofit_io.sources import array_source

RNG = np.random.default_rng(0)
FIRST, SECOND, THIRD = (RNG.normal(size=(n, 3)) for n in (40, 30, 20))


def vm(values=FIRST, ids=(7, 5, 3), rate_hz=100.0, **more) -> Signal:
    return signal_from_array(values, name="vm", rate_hz=rate_hz, channel_ids=np.array(ids), unit="mV", **more)


def recording(name: str, *signals: Signal, **more) -> Recording:
    return Recording(Provenance(Path(name), "raw", (Path(name),)), {one.name: one for one in signals}, **more)


def test_laid_one_after_the_other_with_breaks_between() -> None:
    whole = join([recording("a", vm()), recording("b", vm(SECOND, start_s=3.0)), recording("c", vm(THIRD))])
    signal = whole.signal()
    np.testing.assert_array_equal(signal.read(), np.concatenate([FIRST, SECOND, THIRD]).astype(np.float32))
    assert signal.segments == (Segment(0, 40, 0.0), Segment(40, 70, 3.0), Segment(70, 90, 0.0))
    np.testing.assert_allclose(signal.time_s(38, 43), [0.38, 0.39, 3.0, 3.01, 3.02])
    assert (signal.rate_hz, signal.unit, signal.channel_ids.tolist()) == (100.0, "mV", [7, 5, 3])
    assert whole.provenance.files == (Path("a"), Path("b"), Path("c"))
    assert [part.path for part in whole.provenance.parts] == [Path("a"), Path("b"), Path("c")]
    assert describe_text(describe(whole)).startswith("a, b, c: raw, 3 files\n")


def test_sweeps_and_gaps_of_each_are_kept() -> None:
    sweeps = (Segment(0, 25, 0.0), Segment(25, 40, 9.0))
    in_sweeps = Signal("vm", "vm", "mV", array_source(FIRST), Clock(40, 100.0, sweeps=sweeps))
    times = np.arange(30) / 100 + (np.arange(30) >= 10)
    gap = Signal("vm", "vm", "mV", array_source(SECOND), Clock(30, None, timestamps=array_source(times)))
    signal = join([recording("a", in_sweeps), recording("b", gap)]).signal()
    assert [(s.start, s.stop) for s in signal.segments] == [(0, 25), (25, 40), (40, 50), (50, 70)]
    assert [s.start_s for s in signal.segments] == pytest.approx([0.0, 9.0, 0.0, 1.1])


def test_channels_are_found_by_id_and_further_ones_left_out() -> None:
    other = np.concatenate([SECOND, SECOND[:, :1]], axis=1)
    positions = np.arange(9.0).reshape(3, 3)
    with pytest.warns(RecordingWarning, match="^b: 1 of 4 channels of vm left out, not in a$"):
        whole = join([recording("a", vm(positions_um=positions)), recording("b", vm(other, ids=(3, 7, 5, 9)))])
    signal = whole.signal("vm")
    np.testing.assert_array_equal(signal.read(40, 70), SECOND[:, [1, 2, 0]].astype(np.float32))
    np.testing.assert_array_equal(signal.read(35, 45, [2]), signal.read(35, 45)[:, [2]])
    np.testing.assert_array_equal(signal.positions_um, positions)


def test_conversions_of_each_are_kept() -> None:
    gains = np.array([1.0, 2.0, 4.0])
    stored = Signal("vm", "vm", "mV", array_source(SECOND), Clock(30, 100.0), gains, -1.0, np.array([3, 5, 7]))
    signal = join([recording("a", vm()), recording("b", stored)]).signal()
    expected = (SECOND * gains - 1)[:, ::-1]
    np.testing.assert_allclose(signal.read(), np.concatenate([FIRST, expected]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (vm(SECOND, rate_hz=50.0), "b: vm has 50 samples per s; expected 100 samples per s, as in a"),
        (vm(SECOND, rate_hz=None), "b: vm has no sampling rate; expected 100 samples per s, as in a"),
        (signal_from_array(SECOND, name="vm", rate_hz=100.0, unit="V"), "b: vm has the unit V; expected the unit mV"),
        (vm(SECOND, kind="current"), "b: vm has the kind current; expected the kind vm, as in a"),
        (vm(SECOND, ids=(7, 8, 3)), "b: 1 of 3 channels of vm are not there once: 5; expected those of a$"),
        (vm(SECOND[:, :2], ids=(3, 7)), "1 of 3 channels of vm are not there once: 5; .* of a; give b first$"),
        (vm(SECOND, ids=(5, 3, 3)), "2 of 3 channels of vm are not there once: 7, 3"),
        (vm(SECOND).renamed("lfp"), "b: no signal 'vm'; expected vm, as in a"),
    ],
)
def test_the_file_that_differs_is_named(other: Signal, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        join([recording("a", vm()), recording("b", other)])


def test_what_cannot_be_joined_by_time_is_said() -> None:
    times = np.cumsum(RNG.uniform(0.5, 1.5, 40))
    irregular = Signal("vm", "vm", "mV", array_source(FIRST), Clock(40, None, timestamps=array_source(times)))
    with pytest.raises(RecordingError, match="a: vm has irregular timestamps"):
        join([recording("a", irregular), recording("b", irregular)])
    with pytest.raises(RecordingError, match=r"a: vm has no sampling rate; .* give --rate-hz"):
        join([recording("a", vm(rate_hz=None)), recording("b", vm(rate_hz=None))])
    with pytest.raises(RecordingError, match="no recording; expected at least one"):
        join([])
    with pytest.raises(RecordingError, match="a: given 2 times; expected each recording once"):
        join([recording("a", vm()), recording("b", vm()), recording("a", vm())])


def test_a_signal_that_differs_is_refused_only_when_asked_for() -> None:
    slow = signal_from_array(np.zeros((4, 1)), name="lick", rate_hz=10.0)
    fast = signal_from_array(np.zeros((4, 1)), name="lick", rate_hz=20.0)
    whole = join([recording("a", vm(), slow), recording("b", vm(SECOND), fast, vm().renamed("lfp"))])
    assert whole.signal("vm").shape == (70, 3)
    with pytest.raises(RecordingError, match="b: lick has 20 samples per s; expected 10 samples per s, as in a"):
        whole.signal("lick")
    with pytest.raises(RecordingError, match="2 signals: --signal vm, --signal lick"):
        whole.signal()
    said = "\n".join(whole.provenance.notes)
    assert "lick is not joined: b: lick has 20 samples per s" in said
    assert "not in a and left out: lfp" in said


def test_spikes_are_counted_with_the_clock_of_each() -> None:
    trains = [[0.05, 0.31], [0.2], []], [[5.02, 5.04], [], [5.23, 5.29]]
    first = spikes_from_lists(trains[0], stop_s=0.35, unit_ids=np.array([4, 6, 8]))
    second = spikes_from_lists(trains[1], start_s=5.0, stop_s=5.3, unit_ids=np.array([8, 6, 4]))
    whole = join([recording("a", spike_trains={"spikes": first}), recording("b", spike_trains={"spikes": second})])
    signal = whole.signal("spikes", bin_ms=100)
    assert signal.segments == (Segment(0, 3, 0.0), Segment(3, 6, 5.0))
    assert signal.read().tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 2], [0, 0, 0], [2, 0, 0]]
    assert signal.channel_ids.tolist() == [4, 6, 8]
    assert whole.spikes is not None
    assert (whole.spikes.n_spikes, whole.spikes.duration_s) == (7, pytest.approx(0.65))
    np.testing.assert_allclose(whole.spikes.times_of(2), [0.37, 0.39])
    assert describe(whole)["spikes"][0]["units"] == 3
    with pytest.raises(RecordingError, match=r"b: --bin-ms 320 on 0\.3 s of spikes"):
        whole.signal("spikes", bin_ms=320)


def test_units_of_others_are_left_out_and_missing_ones_said() -> None:
    one = spikes_from_lists([[0.1], [0.2]], stop_s=1.0, unit_ids=np.array(["u", "v"]))
    more = spikes_from_lists([[0.3], [0.4], [0.5]], stop_s=1.0, unit_ids=np.array(["w", "v", "u"]))
    parts = recording("a", spike_trains={"spikes": one}), recording("b", spike_trains={"spikes": more})
    with pytest.warns(RecordingWarning, match="b: 1 of 3 units of spikes left out, not in a"):
        whole = join(parts)
    assert whole.signal(bin_ms=1000).read().tolist() == [[1, 1], [1, 1]]
    assert whole.spikes is not None
    np.testing.assert_allclose(whole.spikes.times_s, [0.1, 0.2, 1.4, 1.5])
    with pytest.raises(RecordingError, match=r"a: 1 of 3 units of spikes are not there once: w; .* give a first"):
        join(parts[::-1])


def test_bins_not_observed_stay_unknown() -> None:
    seen = spikes_from_lists([[0.1]], stop_s=0.4, observed_s=(np.array([[0.0, 0.2]]),))
    always = spikes_from_lists([[0.3]], stop_s=0.4)
    whole = join([recording("a", spike_trains={"spikes": always}), recording("b", spike_trains={"spikes": seen})])
    np.testing.assert_array_equal(whole.signal(bin_ms=200).read()[:, 0], [0, 1, 1, np.nan])
    assert whole.spikes is not None
    assert whole.spikes.observed_s is not None
    np.testing.assert_allclose(whole.spikes.observed_s[0], [[0.0, 0.4], [0.4, 0.6]])


def test_tables_and_connectivity_only_when_all_agree() -> None:
    matrix = np.array([[0.0, np.nan], [1.0, 0.0]])
    trials = Trials("trials", np.array([0.0, 1.0]), np.array([1.0, np.nan]), {"side": np.array(["l", "r"])})
    late = Trials("trials", np.array([0.5, 1.0]), np.array([1.0, np.nan]), {"side": np.array(["l", "r"])})

    def cells(name: str, table: Trials) -> Recording:
        known = {"connectivity": connectivity_from_matrix(matrix, orientation="post_pre")}
        return recording(name, vm(), connectivities=known, intervals={"trials": table})

    whole = join([cells("a", trials), cells("b", trials)])
    assert whole.trials is trials
    assert whole.connectivity is not None
    with pytest.warns(RecordingWarning, match="^trials left out of 2 joined files, not the same in all$"):
        whole = join([cells("a", trials), cells("b", late)])
    assert whole.trials is None
    assert whole.connectivity is not None


def test_many_files_have_a_short_name() -> None:
    whole = join([recording(f"/data/{name}", vm()) for name in "abcde"])
    assert whole.provenance.path == Path("/data/a and 4 more")


def test_one_recording_is_itself() -> None:
    one = recording("a", vm())
    assert join([one]) is one


def test_load_of_several_files_and_saved_as_one(tmp_path: Path) -> None:
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for path, values, ids in zip(paths, (FIRST, SECOND), ((7, 5, 3), (3, 5, 7)), strict=True):
        save(recording("m", vm(values, ids=ids)), path)
    whole = load(paths)
    expected = np.concatenate([FIRST, SECOND[:, ::-1]]).astype(np.float32)
    np.testing.assert_array_equal(whole.signal("vm").read(), expected)
    assert load([str(paths[0])]).provenance.path == paths[0]
    with pytest.raises(RecordingError, match=r"a\.h5: given 2 times"):
        load([paths[0], tmp_path / "." / "a.h5"])
    with pytest.raises(RecordingError, match=r"c\.h5"):
        load([paths[0], tmp_path / "c.h5"])
    save(whole, tmp_path / "ab.h5")
    back = load(tmp_path / "ab.h5").signal("vm")
    np.testing.assert_array_equal(back.read(), expected)
    assert [(s.start, s.stop) for s in back.segments] == [(0, 40), (40, 70)]


def test_real_cells_of_two_files(shared_data: Path) -> None:
    names = "nwb_icephys_ferguson/FergusonEtAl2015_PYR2.nwb", "nwb_icephys_hippocampus/99111002.nwb"
    paths = [shared_data / name for name in names]
    with pytest.warns(RecordingWarning):
        whole, each = load(paths), [load(path) for path in paths]
    for name in ("vm", "stimulus"):
        signal = whole.signal(name)
        assert len(signal.segments) == 29
        np.testing.assert_array_equal(signal.read(259_000, 261_000)[1000:], each[1].signal(name).read(0, 1000))
        np.testing.assert_array_equal(signal.read(259_000, 261_000)[:1000], each[0].signal(name).read(259_000, 260_000))
