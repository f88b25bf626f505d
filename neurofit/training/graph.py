"""One update as one CUDA graph: its hundreds of small kernels are started by a single call.

A graph repeats what was recorded, on the same memory: the step must take all that changes from update to update as
tensors on the device, keep carried state in tensors that it writes into, decide with masks and not with branches, and
never wait for the device. Gradients, the clipping of their norm and the optimiser belong into the step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Values = Mapping[str, Tensor]
Step = Callable[..., Values]

WARM_UP = 3
"""Updates that run as they are, in which libraries choose their kernels and the optimiser makes its state."""


def graphed(step: Step, device: torch.device) -> Step:
    """Returns the step as a graph on a CUDA device, and the step itself elsewhere."""
    return GraphedStep(step) if device.type == "cuda" else step


class GraphedStep:
    """A step that is recorded when it has run a few times, and from then on replayed.

    Every call is one update: none is spent on warming up. What has other shapes than the recorded call runs as it is.
    Where recording fails all runs as it is, after a warning with the reason.

    Args:
        step: Takes tensors on the device, updates everything in place, and returns scalars on the device.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._calls = 0
        self._failed = False
        self._inputs: tuple[Tensor, ...] = ()
        self._outputs: Values = {}
        self._replay: Callable[[], None] | None = None

    def __call__(self, *inputs: Tensor) -> Values:
        """Runs one update; the scalars it returns are not written to by later ones."""
        self._calls += 1
        if self._failed:
            return self._step(*inputs)
        if self._calls <= WARM_UP:
            return _beside(self._step, inputs)
        if self._replay is None:
            self._record(inputs)
        if self._replay is None or [each.shape for each in inputs] != [each.shape for each in self._inputs]:
            return self._step(*inputs)
        for own, new in zip(self._inputs, inputs, strict=True):
            own.copy_(new, non_blocking=True)
        self._replay()
        return {name: value.clone() for name, value in self._outputs.items()}

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        self._inputs = tuple(each.clone() for each in inputs)
        try:
            self._replay, self._outputs = _recorded(self._step, self._inputs)
        except RuntimeError as error:
            self._failed = True
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            text = f"no CUDA graph of the training step, every kernel is started by itself: {reason}"
            warnings.warn(text, RuntimeWarning, stacklevel=3)


def _beside(step: Step, inputs: tuple[Tensor, ...]) -> Values:
    """Runs a step on a stream of its own, as what is to be recorded must have run on another than the default one."""
    stream, usual = torch.cuda.Stream(), torch.cuda.current_stream()
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        values = step(*inputs)
    usual.wait_stream(stream)
    return values


def _recorded(step: Step, inputs: tuple[Tensor, ...]) -> tuple[Callable[[], None], Values]:
    """Records a step, which does nothing yet; returns what replays it, and the scalars that this fills."""
    graph = torch.cuda.CUDAGraph()
    # Other threads, which read ahead, may use the device meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        outputs = step(*inputs)
    return graph.replay, outputs
