"""The folder a fit leaves behind: what was fitted, on which bytes, with which versions, and how it went."""

from neurofit.runs.environment import environment as environment
from neurofit.runs.fingerprint import changed as changed
from neurofit.runs.fingerprint import fingerprint as fingerprint
from neurofit.runs.run import Resume as Resume
from neurofit.runs.run import Run as Run
from neurofit.runs.run import RunError as RunError
from neurofit_io.files import atomic_path as atomic_path

__all__ = ["Resume", "Run", "RunError", "atomic_path", "changed", "environment", "fingerprint"]
