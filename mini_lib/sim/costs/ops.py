"""Single kernels with their arithmetic and memory traffic: what a step's list of kernels is written in.

Arithmetic is counted as `torch.utils.flop_counter` counts it: two operations per multiply and add of a matrix product,
and nothing for all else, which is bound by memory on every device. Traffic is each operand once, as if caches kept what
a kernel reads twice and nothing between two kernels. A gather reads the rows that it fetches and not their table.

>>> gemm(rows=1, inner=4096, columns=128256, itemsize=2)
KernelCost(name='aten.mm', flops=1050673152, num_bytes=1050937856, splits=False)

Not modelled: what a cache keeps from one kernel for the next, strides, and the second kernel that a library adds when
it splits a narrow product along its inner dimension.
"""

from __future__ import annotations

from typing import Literal

from mini_lib.sim.kernel_cost import KernelCost

Target = Literal["gpu", "twin"]  # whose kernels: what a GPU launches, or the ops that the CPU twin counts
INT64, FLOAT32, BOOL = 8, 4, 1  # bytes: of ids and positions, of RoPE's table and norms at work, of a comparison


def op(name: str, *operands: int, splits: bool = False) -> KernelCost:
    """Return a kernel without matrix product. `operands`: the bytes of all that it reads and all that it writes.

    What is read and then written in place is named twice.
    """
    return KernelCost(name, 0, sum(operands), splits)


def gemm(rows: int, inner: int, columns: int, itemsize: int) -> KernelCost:
    """Return the product of (rows, inner) with a matrix of (inner, columns)."""
    num_bytes = (rows * inner + inner * columns + rows * columns) * itemsize
    return KernelCost("aten.mm", 2 * rows * inner * columns, num_bytes)


def gather(name: str, rows: int, row_bytes: int) -> KernelCost:
    """Return the kernel that looks `rows` rows of a table up by their int64 ids and writes them side by side."""
    return op(name, rows * INT64, rows * row_bytes, rows * row_bytes)
