"""Limited-memory BFGS for many convex problems of the same shape at once, one column a problem.

Every column takes its own steps; what they share is the evaluation, in which matrix products over all columns replace
as many matrix-vector products. The preconditioner B^-1 stands in for the inverse Hessian before the first update
(J. Nocedal, Mathematics of Computation 35, 1980). A column has converged where g' B^-1 g, g being its gradient, is at
most the tolerance: with B close to the Hessian of a negative log-likelihood, the squared distance from the optimum in
standard errors, summed over all directions. Converged columns leave, so that later evaluations cost less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Evaluate = Callable[[Floats, NDArray[np.intp]], tuple[Floats, Floats]]
"""(parameters (p, c), columns (c,)) -> loss (c,) and gradient (p, c)."""
Precondition = Callable[[Floats, NDArray[np.intp]], Floats]
"""(gradient (p, c), columns (c,)) -> (p, c)."""

ARMIJO = 1e-4
HALVINGS = 20
ROUNDING = 1e-6
"""Relative to the loss: differences below it are rounding in float32 and stop no step."""


@dataclass(frozen=True, eq=False)
class BatchedOptimum:
    """Where the search ended.

    Attributes:
        parameters: (parameter, column).
        loss: (column,).
        gradient_norm: (column,), sqrt(g' B^-1 g).
        iterations: Steps of the column that took most.
        converged: (column,), whether the norm came within the tolerance.
    """

    parameters: Floats
    loss: Floats
    gradient_norm: Floats
    iterations: int
    converged: NDArray[np.bool_]


def minimise_columns(
    evaluate: Evaluate,
    precondition: Precondition,
    start: Floats,
    *,
    tolerance: float,
    max_iterations: int = 200,
    pairs: int = 5,
) -> BatchedOptimum:
    """Minimise the loss of every column.

    Args:
        evaluate: Loss and gradient of some of the columns.
        precondition: The gradient times a fixed, symmetric, positive approximation of the inverse Hessian.
        start: (parameter, column), where to begin.
        tolerance: Largest gradient norm, in the metric of the preconditioner.
        max_iterations: Steps at most.
        pairs: Pairs of steps and gradient changes kept.

    Returns:
        The optimum, with the gradient norm that each column ended with.
    """
    parameters = np.array(start, dtype=np.float64)
    columns = np.arange(parameters.shape[1])
    loss, norm = np.empty(len(columns)), np.empty(len(columns))
    own_loss, gradient = evaluate(parameters, columns)
    memory: list[tuple[Floats, Floats, Floats]] = []
    iteration = 0
    while True:
        squared = (gradient * precondition(gradient, columns)).sum(axis=0)
        loss[columns], norm[columns] = own_loss, np.sqrt(np.maximum(squared, 0))
        active = norm[columns] > tolerance
        if not active.any() or iteration == max_iterations:
            break
        iteration += 1
        columns, own_loss, gradient = columns[active], own_loss[active], gradient[:, active]
        memory = [(s[:, active], y[:, active], rho[active]) for s, y, rho in memory]
        direction = _direction(gradient, memory, precondition, columns)
        step, new_loss, new_gradient = _line_search(
            evaluate, parameters[:, columns], direction, own_loss, gradient, columns
        )
        parameters[:, columns] += step
        change = new_gradient - gradient
        curvature = (step * change).sum(axis=0)
        # Where rounding hides the curvature, the pair is void: rho = 0 leaves the direction as it is.
        rho = np.divide(1, curvature, out=np.zeros_like(curvature), where=curvature > 0)
        memory = [*memory[-(pairs - 1) :], (step, change, rho)]
        own_loss, gradient = new_loss, new_gradient
    return BatchedOptimum(parameters, loss, norm, iteration, norm <= tolerance)


def _direction(
    gradient: Floats, memory: list[tuple[Floats, Floats, Floats]], precondition: Precondition, columns: NDArray[np.intp]
) -> Floats:
    """The two loops of L-BFGS; minus the quasi-Newton step."""
    q = gradient.copy()
    shares = []
    for s, y, rho in reversed(memory):
        share = rho * np.einsum("pc,pc->c", s, q)
        q -= share * y
        shares.append(share)
    q = precondition(q, columns)
    for (s, y, rho), share in zip(memory, reversed(shares), strict=True):
        q += (share - rho * np.einsum("pc,pc->c", y, q)) * s
    return -q


def _line_search(
    evaluate: Evaluate, origin: Floats, direction: Floats, loss: Floats, gradient: Floats, columns: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """Halve the step of each column until it lowers the loss by Armijo's rule; a column that never does stays."""
    slope = np.einsum("pc,pc->c", gradient, direction)
    length = np.ones(len(columns))
    new_loss, new_gradient = evaluate(origin + direction, columns)
    for _ in range(HALVINGS):
        failed = ~(new_loss <= loss + ARMIJO * length * slope + ROUNDING * np.abs(loss))
        if not failed.any():
            return direction * length, new_loss, new_gradient
        length[failed] /= 2
        trial = origin[:, failed] + direction[:, failed] * length[failed]
        new_loss[failed], new_gradient[:, failed] = evaluate(trial, columns[failed])
    length[failed], new_loss[failed], new_gradient[:, failed] = 0.0, loss[failed], gradient[:, failed]
    return direction * length, new_loss, new_gradient
