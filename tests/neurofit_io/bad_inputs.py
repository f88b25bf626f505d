"""The sixty kinds of bad input and the answer each one gets: the one table that the tests read.

Every entry writes a file (or folder) into an empty folder and says how `check` answers: an error or a warning whose
text holds the given words, or a load that handles it, which `holds` confirms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from bad_files import (
    RNG,
    Written,
    array,
    bad_ids,
    broken_link,
    broken_tree,
    connections,
    crowded,
    csv_of,
    cut_short,
    folder_of_files,
    gzipped,
    huge,
    lfs_pointer,
    linked_outside,
    locked,
    mat73,
    mat_cells,
    matrix,
    near_name,
    npy_as_bin,
    nwb_units,
    objects,
    observed,
    old_nwb,
    plain_hdf5,
    put,
    raw,
    rows,
    saved,
    signal,
    steps_ms,
    tarred,
    text,
    timed,
    trains,
    trials,
    unequal_times,
    unknown_filter,
    unreadable,
    unsorted_spikes,
    vm,
    with_connections,
    with_trials,
    with_values,
    zipped,
)

from neurofit_io import Recording


@dataclass(frozen=True)
class BadInput:
    """One bad input and its stated answer.

    Args:
        case: Its number, 1 to 60.
        title: What is wrong.
        answer: `error`, `warning` or `handled`.
        write: Makes it in an empty folder; returns the path to load and the options to load it with. None when
            another part of the project answers.
        words: What the message has to contain, in any case.
        holds: For `handled`: what is true of the loaded recording.
        elsewhere: Who answers when `write` is None.
    """

    case: int
    title: str
    answer: Literal["error", "warning", "handled"]
    write: Callable[[Path], Written] | None
    words: Sequence[str] = ()
    holds: Callable[[Recording], bool] = lambda recording: True
    elsewhere: str = ""

    @property
    def label(self) -> str:
        return f"{self.case}-{self.title.replace(' ', '_')}"


BAD_INPUTS = (
    BadInput(1, "missing path", "error", near_name, ("no such file", "session.h5")),
    BadInput(2, "a folder", "error", folder_of_files, ("folder", "session.h5")),
    BadInput(3, "empty file", "error", lambda f: text(f, "x.nwb", ""), ("0 bytes",)),
    BadInput(4, "Git LFS pointer", "error", lfs_pointer, ("Git LFS pointer of a 1.7 MB file", "git lfs pull")),
    BadInput(5, "broken git-annex link", "error", broken_link, ("SHA256E-s99", "git annex get")),
    BadInput(
        6,
        "web page",
        "error",
        lambda f: text(f, "x.nwb", "<!DOCTYPE html><html><head><title>Log in &amp; read</title>"),
        ("web page", "Log in & read"),
    ),
    BadInput(7, "zip", "error", zipped, ("zip archive", "session.h5", "unpack")),
    BadInput(7, "gzip", "error", gzipped, ("gzip archive", "session.h5", "unpack")),
    BadInput(7, "tar", "error", tarred, ("archive", "session.h5", "unpack")),
    BadInput(8, "truncated HDF5", "error", cut_short, ("cut short", "bytes are there", "copy again")),
    BadInput(9, "damaged HDF5 chunk", "error", broken_tree, ("signals/vm/values", "damaged")),
    BadInput(10, "unknown HDF5", "error", plain_hdf5, ("a/voltage", "(400, 4)", "--dataset")),
    BadInput(11, "NWB 1", "error", old_nwb, ("before NWB 2", "convert")),
    BadInput(
        12,
        "newer NWB",
        "warning",
        lambda f: nwb_units(f, version="9.1.0"),
        ("9.1", "newer", "what is known is read"),
    ),
    BadInput(12, "this NWB", "handled", nwb_units, holds=lambda r: r.spikes.per_unit().tolist() == [2, 1]),
    BadInput(13, "missing filter", "error", unknown_filter, ("blosc (32001)", "pip install hdf5plugin")),
    BadInput(14, "open elsewhere", "error", locked, ("open for writing", "HDF5_USE_FILE_LOCKING")),
    BadInput(15, "no permission", "error", unreadable, ("permission",)),
    BadInput(15, "encrypted", "error", lambda f: text(f, "x.nwb", b"Salted__" + bytes(100)), ("encrypted", "openssl")),
    BadInput(16, "MATLAB 7.3", "handled", mat73, holds=lambda r: r.signals["vm"].shape == (300, 4)),
    BadInput(17, "cells of unequal length", "error", mat_cells, ("trials[0]", "lfp", "(400, 4)", "choose one")),
    BadInput(18, "wrong size of .bin", "error", raw(np.zeros(4 * 100 + 3, np.float32)), ("1612", "4")),
    BadInput(19, "odd byte count", "error", raw(bytes(4 * 4 * 100 + 1)), ("1601",)),
    BadInput(20, "byte order", "error", raw(vm().astype(">f4")), ("big",)),
    BadInput(21, "number type", "error", raw(vm().astype(np.float64)), ("float64",)),
    BadInput(22, "npy read as bin", "error", lambda f: npy_as_bin(f, format="raw"), ("a .npy file", "--format numpy")),
    BadInput(22, "npy named bin", "handled", npy_as_bin, holds=lambda r: r.signals["vm"].shape == (400, 4)),
    BadInput(23, "transposed", "warning", lambda f: array(f, vm(5, 40)), ("5 steps", "40 channels", "--time-axis")),
    BadInput(
        24,
        "integers without scale",
        "error",
        lambda f: array(f, (100 * RNG.standard_normal((400, 4))).astype(np.int16), kind="lfp", unit="V"),
        ("--scale",),
    ),
    BadInput(
        25, "mV called V", "warning", with_values(lambda v: None, unit="V"), ("mV are no vm", "0.001 times", "--unit")
    ),
    BadInput(25, "V called mV", "warning", with_values(lambda v: v.__imul__(1e-3)), ("1000", "--unit")),
    BadInput(26, "conversion 0", "error", with_values(lambda v: None, scale=0.0), ("conversion", "0")),
    BadInput(
        27,
        "float16 overflow",
        "error",
        lambda f: array(f, np.where(vm() > -55, np.inf, vm()).astype(np.float16)),
        ("infinite", "float16"),
    ),
    BadInput(
        28,
        "marks for missing",
        "warning",
        with_values(put((slice(5, 9), 1), -999)),
        ("-999 stands in 4 samples of 1 of 4 channels (1)",),
    ),
    BadInput(
        28,
        "saturated converter",
        "warning",
        lambda f: array(f, np.clip(2e4 * RNG.standard_normal((400, 2)), -32768, 32767).astype(np.int16), scale=0.001),
        ("32.767 stands in", "rail"),
    ),
    BadInput(
        29, "NaN", "warning", with_values(put((slice(40, 60), 2), np.nan)), ("1 of 4 channels (2)", "5.000%", "40")
    ),
    BadInput(
        30, "all NaN", "warning", with_values(put((slice(None), 2), np.nan)), ("1 of 4 channels (2)", "nothing but")
    ),
    BadInput(31, "dead channel", "warning", with_values(put((slice(None), 3), -70)), ("1 of 4 channels (3)", "never")),
    BadInput(
        32,
        "copied channel",
        "warning",
        with_values(lambda v: put((slice(None), 3), 2 * v[:, 0] + 100)(v)),
        ("0 = 3", "copies"),
    ),
    BadInput(33, "time goes back", "error", lambda f: saved(f, timed(steps_ms((100, 0.05)))), ("index 100", "-0.049")),
    BadInput(34, "NaN in timestamps", "error", lambda f: saved(f, timed(steps_ms((7, np.nan)))), ("index 7",)),
    BadInput(
        35,
        "gap",
        "warning",
        lambda f: saved(f, timed(steps_ms((slice(200, None), 5 + np.arange(200) / 1000)))),
        ("gaps in time: 1", "4.8", "chunks do not cross"),
    ),
    BadInput(
        35,
        "irregular",
        "error",
        lambda f: saved(f, timed(np.cumsum(RNG.uniform(0.001, 0.0014, 400)))),
        ("--resample-hz",),
    ),
    BadInput(36, "no rate", "error", lambda f: array(f, vm(), rate_hz=None), ("--rate-hz",)),
    BadInput(37, "rate against timestamps", "error", lambda f: saved(f, timed(steps_ms(), 500.0)), ("500", "1000")),
    BadInput(38, "rate in kHz", "warning", lambda f: saved(f, signal(vm(), rate_hz=10.0)), ("kHz", "10000 Hz")),
    BadInput(
        39,
        "mixed rates",
        "warning",
        lambda f: saved(f, signal(vm()), signal(30 * vm(), "lfp", rate_hz=500.0, unit="uV")),
        ("500", "1000", "bin"),
    ),
    BadInput(40, "unequal lengths", "error", unequal_times, ("400 samples", "399 timestamps")),
    BadInput(
        41,
        "two clocks",
        "warning",
        lambda f: saved(f, signal(vm()), signal(30 * vm(), "lfp", unit="uV", start_s=12.5)),
        ("12.5", "apart"),
    ),
    BadInput(
        42,
        "spikes in ms",
        "error",
        lambda f: saved(f, signal(vm()), spikes=trains([3.5, 120.25, 399.5], stop_s=400)),
        ("399.5", "ms", "--spike-unit"),
    ),
    BadInput(
        42,
        "spikes in samples",
        "error",
        lambda f: saved(f, spikes=trains(np.arange(0, 9000, 100.0), stop_s=9000)),
        ("whole numbers", "--spike-unit"),
    ),
    BadInput(
        43, "negative times", "warning", lambda f: saved(f, spikes=trains([-0.1, 0.2])), ("1 of 2 spikes", "-0.1")
    ),
    BadInput(
        43,
        "times in the trial",
        "warning",
        lambda f: saved(
            f, spikes=trains([0.1, 0.9], [0.5], stop_s=50.0), trials=trials(range(0, 50, 5), range(1, 51, 5))
        ),
        ("relative to the trial",),
    ),
    BadInput(
        44,
        "spike twice",
        "warning",
        lambda f: saved(f, spikes=trains([0.1, 0.10005, 0.3])),
        ("1 of 3 spikes", "0.1 ms"),
    ),
    BadInput(44, "spikes not sorted", "error", unsorted_spikes, ("1 of 3 spike times", "ascending")),
    BadInput(45, "silent unit", "warning", lambda f: saved(f, spikes=trains([0.1, 0.2], [])), ("1 of 2 units (1)",)),
    BadInput(46, "no units", "error", lambda f: saved(f, spikes=trains()), ("no units",)),
    BadInput(
        47,
        "labels that are no numbers",
        "handled",
        lambda f: saved(f, spikes=trains([0.1], [0.2], unit_ids=np.array(["Größe", "b"]))),
        holds=lambda r: r.spikes.unit_ids.tolist() == ["Größe", "b"] and r.spikes.times_of(1).tolist() == [0.2],
    ),
    BadInput(
        47,
        "labels used twice",
        "warning",
        lambda f: saved(f, spikes=trains([0.1], [0.2], unit_ids=np.array([7, 7]))),
        ("7", "twice"),
    ),
    BadInput(48, "index not monotone", "error", lambda f: nwb_units(f, (3, 2)), ("spike_times_index",)),
    BadInput(48, "index beyond the data", "error", lambda f: nwb_units(f, (2, 9)), ("spike_times_index",)),
    BadInput(
        49,
        "not observed",
        "handled",
        observed,
        holds=lambda r: np.isnan(r.signal("spikes", bin_ms=100).read()[:, 0]).tolist() == [False, False, True, True],
    ),
    BadInput(
        50,
        "over 255 spikes in a bin",
        "handled",
        crowded,
        holds=lambda r: r.signal("spikes", bin_ms=100).read()[0, 0] == 400,
    ),
    BadInput(
        51,
        "inverted trial",
        "error",
        with_trials([0.0, 0.2], [0.1, 0.1]),
        ("1 of 2 trials (1) inverted", "--bad-trials"),
    ),
    BadInput(51, "trial of length zero", "error", with_trials([0.0, 0.2], [0.1, 0.2]), ("length zero", "--bad-trials")),
    BadInput(51, "trial beyond the data", "error", with_trials([0.0, 9.0], [0.1, 9.1]), ("beyond the data",)),
    BadInput(
        51, "overlapping trials", "warning", with_trials([0.0, 0.1], [0.2, 0.3]), ("before the one before has ended",)
    ),
    BadInput(51, "NaN stop", "warning", with_trials([0.0, 0.2], [0.1, np.nan]), ("1 of 2 trials (1) without a stop",)),
    BadInput(
        52, "unequal trials", "warning", with_trials([0.0, 0.1, 0.2], [0.1, 0.15, 0.3]), ("0.05 to 0.1 s", "median 0.1")
    ),
    BadInput(53, "text column", "error", csv_of("a,b\n1,x7\n2,3\n3,4\n"), ("b", "x7", "numbers")),
    BadInput(54, "not square", "error", matrix(np.ones((3, 4)), orientation="post_pre"), ("(3, 4)", "square")),
    BadInput(54, "orientation not said", "error", matrix(np.eye(4)), ("--orientation",)),
    BadInput(54, "wrong number of cells", "warning", with_connections(n=9), ("9 cells", "4 were recorded")),
    BadInput(54, "ids outside", "error", bad_ids, ("99", "4")),
    BadInput(54, "NaN weights", "warning", with_connections(weights=(np.nan, 1.0)), ("1 of 2 weights are NaN",)),
    BadInput(54, "diagonal", "warning", with_connections(post=(0, 1), pre=(0, 2)), ("1 of 4 cells (0)", "themselves")),
    BadInput(
        54,
        "inhibition without sign",
        "warning",
        with_connections(weights=(1.0, 1.0), pre_types=np.array(["e", "i", "e", "e"])),
        ("1 of 2 weights are positive though inhibitory", "(1)"),
    ),
    BadInput(
        54,
        "several synapses of a pair",
        "handled",
        lambda f: saved(f, connectivity=connections(post=(0, 0), pre=(1, 1), weights=(1.0, 2.0))),
        holds=lambda r: r.connectivity.weight[0, 1] == 3 and r.connectivity.n_connected_pairs == 1,
    ),
    BadInput(
        55,
        "weights in several units",
        "warning",
        with_connections(metadata={"weight_units": ["uS", "mV"]}),
        ("uS and mV",),
    ),
    BadInput(56, "decimal comma", "handled", csv_of(rows(";", ",")), holds=lambda r: r.signal().shape == (50, 3)),
    BadInput(
        56,
        "byte order mark",
        "handled",
        csv_of("\ufeff" + rows(",", ".")),
        holds=lambda r: r.signal().channel_ids[0] == "a",
    ),
    BadInput(56, "ragged rows", "error", csv_of("a,b\n1,2\n3,4,5\n6,7\n"), ("row 3", "3 fields")),
    BadInput(57, "pickled array", "error", lambda f: array(f, np.array([{}, 1], dtype=object)), ("pickled",)),
    BadInput(57, "objects in HDF5", "error", objects, ("it holds object", "plain numbers")),
    BadInput(57, "link out of the folder", "error", linked_outside, ("external link", "--allow-external")),
    BadInput(58, "fewer steps than a chunk", "error", None, elsewhere="preparation: needs at least chunk + 1 steps"),
    BadInput(58, "no steps", "error", lambda f: array(f, vm(0)), ("no numeric array",)),
    BadInput(
        59, "overlapping windows", "error", None, elsewhere="preparation: train and test spans never share a step"
    ),
    BadInput(
        60, "larger than memory", "handled", huge, holds=lambda r: r.signal().read(10**8, 10**8 + 2).shape == (2, 1000)
    ),
)
