"""The record of versions and machine, and that making it costs no heavy import."""

from __future__ import annotations

import importlib
import json
import platform
import subprocess
import sys

import numpy as np

from neurofit.runs import environment


def test_it_names_versions_machine_and_command():
    record = environment(threads=2, device="cpu", command=["neurofit", "fit", "my file.nwb"])
    assert json.loads(json.dumps(record)) == record
    assert record["packages"]["numpy"] == np.__version__
    assert record["python"] == platform.python_version()
    assert record["command"] == "neurofit fit 'my file.nwb'"
    assert (record["threads"], record["device"]) == (2, "cpu")
    assert record["cpu"]
    assert record["started"].endswith("+00:00")


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    module = importlib.import_module("neurofit.runs.environment")
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-package-here"))
    assert environment(threads=1, device="cpu")["packages"] == {"numpy": np.__version__, "no-such-package-here": None}


def test_neither_runs_nor_options_import_torch():
    code = """
import sys
import neurofit.runs
from neurofit.training.options import TrainOptions
from neurofit.training import TrainOptions as again
assert TrainOptions is again
assert not {'torch', 'numpy', 'h5py'} & set(sys.modules), sys.modules
neurofit.runs.environment(threads=1, device='cpu')
assert 'torch' not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
