"""The names of the methods of inference, for helps that import nothing else."""

from __future__ import annotations

VOLTAGE_METHODS = ("gls", "sta", "sta-corrected", "lif-current")
SPIKE_METHODS = ("correlogram", "linear-coupling", "partial-correlation", "glm", "maxent")
DALE_METHODS = ("gls", "linear-coupling", "glm")
"""Whose z is standard normal where nothing connects, which the Dale step needs: they are given with and without it."""
PAPER_METHODS = ("sta", "lif-current")
"""Those of the founding paper, with its settings: the raw voltage, and C of 35 steps of 0.1 ms."""
