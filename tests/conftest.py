"""Where the tests find real recordings: the folder named by NEUROFIT_TEST_DATA, or nowhere (those tests skip)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings."""
    folder = os.environ.get("NEUROFIT_TEST_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("NEUROFIT_TEST_DATA names no folder of recordings")
    return Path(folder)
