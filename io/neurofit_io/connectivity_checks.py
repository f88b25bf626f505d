"""What a list of connections gives away, alone and beside the cells it should connect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurofit_io.connectivity import Connectivity
from neurofit_io.findings import Finding, named


def check_connectivity(connectivity: Connectivity, n_recorded: int | None) -> Iterator[Finding]:
    """Everything about one set of connections.

    Args:
        connectivity: The connections.
        n_recorded: Number of recorded cells; None when nothing was recorded or cells differ between signals.
    """
    name, weights = connectivity.name, connectivity.weights
    n_post = connectivity.shape[0]
    if name == "connectivity" and n_recorded is not None and n_recorded != n_post:
        yield Finding(
            "warning",
            54,
            name,
            f"it connects {n_post} cells, {n_recorded} were recorded; they are matched by their ids",
        )
    unknown = np.isnan(weights)
    if unknown.any():
        yield Finding("warning", 54, name, f"{int(unknown.sum())} of {len(weights)} weights are NaN: pairs not tested")
    if np.isinf(weights).any():
        yield Finding("error", 54, name, f"{int(np.isinf(weights).sum())} weights are infinite")
    own = connectivity.recurrent & (connectivity.post == connectivity.pre) & ~(weights == 0)
    if own.any():
        cells = np.unique(connectivity.post[own])
        yield Finding(
            "warning", 54, name,
            f"{named(connectivity.post_ids[cells], n_post, 'cells')} connect to themselves; the diagonal is not scored",
        )  # fmt: skip
    yield from _signs(connectivity)
    units = connectivity.metadata.get("weight_units", ())
    if len(units) > 1:
        yield Finding(
            "warning",
            55,
            name,
            f"weights are in {' and '.join(map(str, units))}; do not compare them across edge types",
        )


def _signs(connectivity: Connectivity) -> Iterator[Finding]:
    """Dale's principle where cell types are known; a sign is easily lost between file formats."""
    if connectivity.pre_types is None:
        return
    kind = connectivity.pre_types[connectivity.pre]
    wrong = {
        "inhibitory": (kind == "i") & (connectivity.weights > 0),
        "excitatory": (kind == "e") & (connectivity.weights < 0),
    }
    for what, which in wrong.items():
        if which.any():
            cells = np.unique(connectivity.pre[which])
            sign = "positive" if what == "inhibitory" else "negative"
            yield Finding(
                "warning", 54, connectivity.name,
                f"{int(which.sum())} of {len(which)} weights are {sign} though {what}, from "
                f"{named(connectivity.pre_ids[cells], connectivity.shape[1], 'cells')}",
            )  # fmt: skip
