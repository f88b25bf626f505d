"""The options cost nothing to import and explain themselves."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from neurofit.preparation import options


def test_options_import_nothing_heavy():
    code = "import sys; from neurofit.preparation import PrepareOptions; PrepareOptions(); print(*sys.modules)"
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert {"numpy", "scipy", "h5py", "torch"}.isdisjoint(loaded.stdout.split())


def test_every_field_has_one_line_of_help():
    body = ast.parse(Path(options.__file__).read_text()).body[-1].body
    explained = [
        field.target.id
        for field, help_text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(help_text, ast.Expr) and "\n" not in help_text.value.value
    ]
    assert explained == [field.name for field in dataclasses.fields(options.PrepareOptions)]


def test_an_unknown_name_is_an_attribute_error():
    import neurofit.preparation

    with pytest.raises(AttributeError, match="prepared"):
        _ = neurofit.preparation.prepared
