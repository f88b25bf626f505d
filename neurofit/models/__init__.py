"""Models as torch modules: recurrent cells and the networks built of them."""

from neurofit.models.cells import CELLS as CELLS
from neurofit.models.cells import CellName as CellName
from neurofit.models.cells import make_cell as make_cell
from neurofit.models.counts import CountScale as CountScale
from neurofit.models.linear_skip import LinearSkip as LinearSkip
from neurofit.models.next_step import NextStepNetwork as NextStepNetwork
from neurofit.models.next_step import Output as Output
from neurofit.models.next_step_transition import NextStepTransition as NextStepTransition
from neurofit.models.stack import RecurrentStack as RecurrentStack
from neurofit.models.stack import State as State
from neurofit.models.transition import Transition as Transition

__all__ = [
    "CELLS",
    "CellName",
    "CountScale",
    "LinearSkip",
    "NextStepNetwork",
    "NextStepTransition",
    "Output",
    "RecurrentStack",
    "State",
    "Transition",
    "make_cell",
]
