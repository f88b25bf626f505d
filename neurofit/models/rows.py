"""Matrices whose rows begin where vector units and tensor cores like them to: at multiples of 64 elements or bytes.

On a CPU, MKL writes a product of 2022 columns of float32 into rows of 8088 bytes up to 1.4 times as slowly as into
rows of 8128, a multiple of 64; what it reads may lie anywhere. So large products are computed into rows that are longer
than they look. On a GPU the tensor cores want the lengths that are multiplied to be multiples as well, so there
matrices are padded with zeros, which change no sum.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ROW_BYTES = 64
PADDED_TO = 64
"""Multiple that widths are padded to on a GPU."""
FEWEST_STEPS = 16
LARGE = 1024
"""Widths above this are laid out in aligned rows on a CPU; below, little is gained."""


def empty_rows(like: Tensor, *shape: int) -> Tensor:
    """Returns a tensor of that shape that is not filled, its rows aligned where they are longer than `LARGE`."""
    *outer, columns = shape
    if columns <= LARGE:
        return like.new_empty(shape)
    width = ROW_BYTES // like.element_size()
    return like.new_empty(*outer, -(-columns // width) * width)[..., :columns]


def affine(rows: Tensor, matrix: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """Puts rows @ matrix + bias into `out`, whose rows may be aligned."""
    if bias is None:
        torch.mm(rows, matrix, out=out)
    else:
        torch.addmm(bias, rows, matrix, out=out)


def product(left: Tensor, right: Tensor) -> Tensor:
    """Returns left @ right, computed into aligned rows whatever their length and then packed."""
    columns, width = right.shape[1], ROW_BYTES // right.element_size()
    rows = left.new_empty(len(left), -(-columns // width) * width)[:, :columns]
    return torch.mm(left, right, out=rows).contiguous()


def padded_size(size: int, device: torch.device, *, steps: int) -> int:
    """Returns the width that matrices of `size` columns are given, which is another on a GPU only.

    Args:
        size: Columns, or rows, of a weight.
        device: Where it lies.
        steps: Products it is used for in one call; for a few of them the copy is not worth its time.
    """
    pays = device.type == "cuda" and steps >= FEWEST_STEPS
    return -(-size // PADDED_TO) * PADDED_TO if pays else size


def pad_last(tensor: Tensor, size: int) -> Tensor:
    """Returns the tensor with zeros behind its last dimension up to `size`; itself where it has that size."""
    missing = size - tensor.shape[-1]
    return functional.pad(tensor, (0, missing)) if missing else tensor


def pad_gates(weight: Tensor, gates: int, hidden: int, columns: int | None = None) -> Tensor:
    """Pads the weights of stacked gates with units and inputs that neither receive nor send anything.

    Args:
        weight: (gates * n, n_in), or biases (gates * n).
        gates: Gates stacked in the rows.
        hidden: Rows of each gate afterwards.
        columns: Columns afterwards; None for biases.

    Returns:
        (gates * hidden, columns), or (gates * hidden): the weight itself where nothing is to be padded.
    """
    sides = [0, hidden - len(weight) // gates]
    if columns is not None:
        sides = [0, columns - weight.shape[1], *sides]
    if not any(sides):
        return weight
    # A copy: cuDNN moves weights into a buffer of its own, and the gradient of a view that was moved is wrong.
    return functional.pad(weight.unflatten(0, (gates, -1)), sides).flatten(0, 1).clone()
