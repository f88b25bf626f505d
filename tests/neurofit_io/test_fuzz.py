"""Truncated and bit-flipped copies of real files end in one line of words or in a load whose shapes agree.

Every copy is read in a worker process with a limit of ten seconds; a crash of the worker counts as a failure.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pytest

LIMIT_S = 10.0
START_S = 60.0
MANY = 500

UPSTREAM: dict[str, str] = {}
"""Native crashes that belong to HDF5: label of the copy -> the report upstream."""


@dataclass
class Worker:
    """A process that reads files, started again when it has died or hung."""

    process: subprocess.Popen[str] | None = field(default=None)

    def ask(self, path: Path) -> str:
        """What the worker says of `path`: `read`, `refused ...`, `wrong ...`, `hang` or `crash`."""
        if self.process is None:
            self.process = self._start()
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        said = self._line(LIMIT_S)
        if said in ("hang", "crash"):
            self.stop()
        return said

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fuzz_worker.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        assert self._line(START_S) == "ready"
        return self.process

    def _line(self, limit_s: float) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], limit_s)[0]:
            return "hang"
        return self.process.stdout.readline().rstrip("\n") or "crash"

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def originals(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    report = tmp_path_factory.mktemp("original") / "v_report.h5"
    with h5py.File(shared_data / "bionet_60cells/v_report.h5", "r") as whole, h5py.File(report, "w") as part:
        whole.copy("report", part)
        group = part["report/internal"]
        values = whole["report/internal/data"]
        del group["data"]
        group.create_dataset("data", data=values[:2000], chunks=(500, 8), compression="gzip", shuffle=True)
        group["data"].attrs.update(values.attrs)
        group["mapping/time"][1] = 200.0
    return {
        "nwb": shared_data / "nwb_icephys_hippocampus/99111002.nwb",
        "spikes": shared_data / "bionet_60cells/spikes.h5",
        "edges": shared_data / "bionet_60cells/network/internal_internal_edges.h5",
        "report": report,
    }


def structure(path: Path) -> np.ndarray:
    """Offsets of the bytes that are not values: headers, trees, heaps."""
    mask = np.ones(path.stat().st_size, dtype=bool)

    def leave_out(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.chunks is None:
            offset = item.id.get_offset()
            spans = [] if offset is None else [(offset, item.id.get_storage_size())]
        else:
            chunks = (item.id.get_chunk_info(i) for i in range(item.id.get_num_chunks()))
            spans = [(chunk.byte_offset, chunk.size) for chunk in chunks]
        for start, size in spans:
            mask[start : start + size] = False

    with h5py.File(path, "r") as file:
        file.visititems(leave_out)
    return np.flatnonzero(mask)


def truncated(path: Path, random: np.random.Generator) -> bytes:
    return path.read_bytes()[: random.integers(1, path.stat().st_size)]


def flipped(path: Path, random: np.random.Generator) -> bytes:
    """One to eight bits flipped, three times out of four in the structure and not in the values."""
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    places = structure(path) if random.random() < 0.75 else np.arange(len(content))
    for place in random.choice(places, random.integers(1, 9)):
        content[place] ^= 1 << random.integers(8)
    return content.tobytes()


def failures(worker: Worker, original: Path, folder: Path, change: str, seeds: range) -> list[str]:
    copy, wrong = folder / original.name, []
    for seed in seeds:
        copy.write_bytes({"truncated": truncated, "flipped": flipped}[change](original, np.random.default_rng(seed)))
        said, label = worker.ask(copy), f"{original.name} {change} {seed}"
        if not said.startswith(("read", "refused")) and label not in UPSTREAM:
            wrong.append(f"{label}: {said}")
    return wrong


def test_originals_are_read(worker: Worker, originals: dict[str, Path]) -> None:
    assert {name: worker.ask(path) for name, path in originals.items()} == dict.fromkeys(originals, "read")


@pytest.mark.parametrize("change", ["truncated", "flipped"])
@pytest.mark.parametrize(("name", "copies"), [("nwb", 50), ("spikes", 15), ("edges", 15), ("report", 20)])
def test_damage_ends_in_words(
    worker: Worker, originals: dict[str, Path], tmp_path: Path, name: str, copies: int, change: str
) -> None:
    assert failures(worker, originals[name], tmp_path, change, range(copies)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nwb", "spikes", "edges", "report"])
def test_much_more_damage_ends_in_words(worker: Worker, originals: dict[str, Path], tmp_path: Path, name: str) -> None:
    assert failures(worker, originals[name], tmp_path, "flipped", range(1000, 1000 + MANY)) == []
