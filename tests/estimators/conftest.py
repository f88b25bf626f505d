"""Small fits on one thread; most tests do not look at figures, which take longer than everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import var2

from neurofit.estimators import NextStep


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="module")
def _no_figures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        var2.without_figures(patch)
        yield


@pytest.fixture(scope="package")
def fitted(_one_thread: None) -> NextStep:
    """A GRU fitted for two epochs, with both snapshots."""
    with pytest.MonkeyPatch.context() as patch:
        var2.without_figures(patch)
        return var2.fit(snapshot_epochs=(1, 2))
