"""Fingerprints of files on disk, against hashlib and against single changed bytes."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from neurofit.runs import changed, fingerprint

CONTENT = bytes(range(256)) * 8


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "recording.bin"
    path.write_bytes(CONTENT)
    return path


def test_a_small_file_is_hashed_whole(file):
    expected = {"bytes": 2048, "sha256": hashlib.sha256(CONTENT).hexdigest()}
    assert fingerprint(file) == expected
    assert fingerprint(file, whole_up_to=2048) == expected


def test_a_large_file_is_known_by_its_ends_size_and_time(file):
    os.utime(file, ns=(5, 7))
    ends = hashlib.sha256(CONTENT[:100] + CONTENT[-100:]).hexdigest()
    assert fingerprint(file, whole_up_to=2047, end=100) == {"bytes": 2048, "mtime_ns": 7, "sha256_ends": ends}


@pytest.mark.parametrize(
    ("position", "large", "expected"),
    [
        (1000, False, ["content"]),
        (50, True, ["content"]),
        (2000, True, ["content"]),
        (1000, True, []),
    ],
)
def test_one_changed_byte(file, position, large, expected):
    options = {"whole_up_to": 0, "end": 100} if large else {}
    status, before = file.stat(), fingerprint(file, **options)
    content = bytearray(CONTENT)
    content[position] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert changed(before, fingerprint(file, **options)) == expected


def test_size_and_time_are_named(file):
    before = fingerprint(file, whole_up_to=0)
    os.utime(file, ns=(5, 7))
    assert changed(before, fingerprint(file, whole_up_to=0)) == ["time"]
    file.write_bytes(CONTENT + b"x")
    assert changed(before, fingerprint(file, whole_up_to=0)) == ["size"]


def test_an_ordinary_file_may_be_touched_and_copied(file, tmp_path):
    copy = tmp_path / "copy.bin"
    copy.write_bytes(CONTENT)
    os.utime(copy, ns=(5, 7))
    assert changed(fingerprint(file), fingerprint(copy)) == []


def test_a_folder_is_its_files(tmp_path):
    folder = tmp_path / "sonata"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.h5", "deep/a.h5", "notes.txt"):
        (folder / name).write_text(name)
    whole = fingerprint(folder)
    assert list(whole["files"]) == ["b.h5", "deep/a.h5", "notes.txt"]
    read = fingerprint(folder, [folder / "deep" / "a.h5", folder / "b.h5"])
    assert list(read["files"]) == ["b.h5", "deep/a.h5"]
    assert read["files"]["b.h5"] == fingerprint(folder / "b.h5")
    (folder / "b.h5").write_text("B.h5")
    (folder / "notes.txt").rename(folder / "note.txt")
    assert changed(whole, fingerprint(folder)) == ["b.h5: content", "note.txt: new", "notes.txt: missing"]
    assert changed(read, read) == []


def test_json_keeps_a_fingerprint(file):
    for print_ in (fingerprint(file), fingerprint(file.parent, whole_up_to=0)):
        assert json.loads(json.dumps(print_)) == print_
