"""Simulate a small network, infer its connections from voltages and from spikes, and score them against the truth.

python examples/connectivity.py
"""

from __future__ import annotations

import dataclasses

from neurofit import infer_connectivity, simulate_network
from neurofit.estimators.connectivity_infer_options import InferOptions
from neurofit.estimators.connectivity_tables import connectivity_table, connectivity_verdict
from neurofit.estimators.tables import aligned_lines
from neurofit.simulate import DegradationOptions, NetworkOptions, degrade


def main() -> None:
    """Infers twice: from the recording as it is, and as a microscope with noise would have made it."""
    true = simulate_network(NetworkOptions(neurons=60, duration_s=10.0, seed=1), signals=("vm",))
    poor = degrade(true, DegradationOptions(frame_rate_hz=1000.0, measurement_noise_mv=1.0))
    methods = InferOptions(method=("gls", "sta", "linear-coupling"), no_lengths=True)
    for name, recording in {"as simulated": true, "1 kHz frames, 1 mV of noise": poor}.items():
        found = infer_connectivity(recording, methods)
        print(f"\n{name}", *aligned_lines(*connectivity_table(found.rows)), sep="\n")
        print(connectivity_verdict(found.rows))
    blind = infer_connectivity(dataclasses.replace(true, connectivities={}), methods)
    print(f"\nwithout a truth: gls calls {blind.calls[0].n_calls} of {blind.calls[0].n_tests} pairs connected")


if __name__ == "__main__":
    main()
