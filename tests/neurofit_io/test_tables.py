"""csv and tsv against numpy and the values written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurofit_io import RecordingError, load
from neurofit_io.delimited import read_table

VALUES = np.round(np.random.default_rng(0).normal(size=(30, 3)), 4)


def text(values: np.ndarray, delimiter: str = ",", header: str | None = "a,b,c", point: str = ".") -> str:
    rows = [delimiter.join(f"{x:.4f}".replace(".", point) for x in row) for row in values]
    return "\n".join(([header.replace(",", delimiter)] if header else []) + rows) + "\n"


@pytest.mark.parametrize("delimiter", [",", "\t", ";", " "])
@pytest.mark.parametrize("header", ["a,b,c", None])
def test_delimiters(tmp_path: Path, delimiter: str, header: str | None) -> None:
    (tmp_path / "x.csv").write_text(text(VALUES, delimiter, header))
    signal = load(tmp_path / "x.csv", rate_hz=10, time_axis=0).signal()
    np.testing.assert_array_equal(signal.read(), VALUES.astype(np.float32))
    assert signal.channel_ids.tolist() == (["a", "b", "c"] if header else [0, 1, 2])


def test_spikefinder(shared_data: Path) -> None:
    path = shared_data / "calcium_spikefinder" / "5.train.calcium.csv"
    with pytest.raises(RecordingError, match="--rate-hz"):
        load(path)
    signal = load(path, rate_hz=100).signal("calcium")
    assert (signal.shape, signal.channel_ids.tolist()) == ((16919, 9), [str(i) for i in range(9)])
    np.testing.assert_array_equal(signal.read(), np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32))


def test_header_makes_columns_channels(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text(VALUES, header=None))
    with pytest.raises(RecordingError, match="--time-axis"):
        load(tmp_path / "x.csv", rate_hz=10)
    (tmp_path / "x.csv").write_text(text(VALUES))
    assert load(tmp_path / "x.csv", rate_hz=10).signal().shape == (30, 3)


@pytest.mark.parametrize(("name", "factor"), [("t", 1), ("Time", 1), ("time_ms", 1000), ("time (s)", 1)])
def test_time_column(tmp_path: Path, name: str, factor: float) -> None:
    table = np.column_stack([(0.5 + np.arange(30) / 200) * factor, VALUES])
    (tmp_path / "x.csv").write_text(text(table, header=f"{name},a,b,c"))
    signal = load(tmp_path / "x.csv").signal()
    assert (signal.rate_hz, signal.start_s) == (pytest.approx(200), pytest.approx(0.5))
    np.testing.assert_array_equal(signal.read(), VALUES.astype(np.float32))


def test_one_column_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text(np.column_stack([np.arange(30) / 200, VALUES]), header="t,vm,b,c"))
    signal = load(tmp_path / "x.csv", dataset="vm", unit="mV").signal("vm")
    assert signal.rate_hz == pytest.approx(200)
    np.testing.assert_array_equal(signal.read()[:, 0], VALUES[:, 0].astype(np.float32))
    with pytest.raises(RecordingError, match="no column 'z'; expected one of t, vm, b, c"):
        load(tmp_path / "x.csv", dataset="z")


def test_decimal_comma_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("\ufeff" + text(VALUES, ";", point=","), encoding="utf-8")
    got = load(tmp_path / "x.csv", rate_hz=10)
    assert "decimal commas read as points" in got.provenance.notes
    np.testing.assert_array_equal(got.signal().read(), VALUES.astype(np.float32))


def test_missing_values_are_nan(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,\nNA,2\nnan,3\n")
    np.testing.assert_array_equal(
        load(tmp_path / "x.csv", rate_hz=1).signal().read(), [[1, np.nan], [np.nan, 2], [np.nan, 3]]
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n3\n4,5\n", "row 3: 1 fields; expected 2 as in the first row"),
        ("a,b,c\n1,2\n3,4\n", "row 2: 2 fields; expected 3"),
        ("a,b\n1,2\nx7,3\n", "a: text such as 'x7'; expected numbers"),
        ("a,b\n", "a header and no rows"),
        ("\n \n", "no rows in it"),
        (b"a,b\n1,\xff\n", "byte 6 is no UTF-8 text"),
    ],
)
def test_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    (tmp_path / "x.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecordingError, match=words):
        load(tmp_path / "x.csv", rate_hz=1, format="csv")


def test_numbers_that_count_the_columns_are_a_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("0,1,2\n5,6,7\n8,9,10\n")
    assert read_table(tmp_path / "x.csv").header == ("0", "1", "2")
    (tmp_path / "x.csv").write_text("0,2,1\n5,6,7\n8,9,10\n")
    assert read_table(tmp_path / "x.csv").header is None


@pytest.mark.parametrize("name", ["spikes.one_pop.csv", "spikes.noheader.nopop.csv"])
def test_rows_of_spikes(shared_data: Path, name: str) -> None:
    path = shared_data / "sonata_spike_variants" / name
    with pytest.raises(RecordingError, match="--spike-unit"):
        load(path, format="csv", kind="spikes")
    got = load(path, format="csv", kind="spikes", spike_unit="ms", n_channels=20)
    lines = [line.split() for line in path.read_text().splitlines() if line[0].isdigit()]
    assert got.spikes is not None
    assert (got.spikes.n_spikes, got.spikes.n_units) == (124, 20)
    expected = np.bincount([int(line[-1]) for line in lines], minlength=20)
    np.testing.assert_array_equal(got.spikes.per_unit(), expected)
    np.testing.assert_allclose(got.spikes.times_s, np.sort([float(line[0]) for line in lines]) / 1000)


def test_spikes_of_labelled_units(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,unit\n0.2,b\n0.1,a\n0.3,b\n")
    spikes = load(tmp_path / "x.csv", kind="spikes", spike_unit="s").spikes
    assert spikes is not None
    assert (spikes.unit_ids.tolist(), spikes.units.tolist()) == (["a", "b"], [0, 1, 1])
    with pytest.raises(RecordingError, match="expected 0 to 3"):
        load(tmp_path / "x.csv", kind="spikes", spike_unit="s", n_channels=4)


def test_connectivity_matrix(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(text(VALUES[:3], header=None))
    got = load(tmp_path / "w.csv", kind="connectivity", orientation="pre_post").connectivity
    assert got is not None
    np.testing.assert_allclose(got.weight, VALUES[:3].T)


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("channel x_pos y_pos z_pos", "electrodes"),
        ("node_type_id ei model_name", "cell types"),
        ("edge_type_id syn_weight", "synapse types"),
    ],
)
def test_tables_that_belong_to_a_simulation(tmp_path: Path, header: str, what: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{header}\n{' '.join('1' for _ in header.split())}\n")
    with pytest.raises(RecordingError, match=f"a SONATA table of {what}; .*give the folder it belongs to"):
        load(path)


def test_the_index_that_pandas_writes_is_no_channel(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{a},{b}" for i, (a, b, _) in enumerate(VALUES))
    (tmp_path / "x.csv").write_text(f",a,b\n{rows}\n")
    got = load(tmp_path / "x.csv", rate_hz=10)
    np.testing.assert_allclose(got.signal().read(), VALUES[:, :2], rtol=1e-6)
    assert got.signal().channel_ids.tolist() == ["a", "b"]
    assert any("counts the rows and is left out" in note for note in got.provenance.notes)
    (tmp_path / "y.csv").write_text(f",a,b\n{rows.replace('0,', '5,', 1)}\n")
    assert load(tmp_path / "y.csv", rate_hz=10).signal().shape == (30, 3)
