"""The two kernels of attention: the only ones in a step whose cost depends on how long the requests are.

Each request's keys and values are read once, whatever number of its tokens looks at them, as kernels do that work on a
tile of queries. `splits` is set on both: in a piecewise step they run between the graphs.

Not modelled: the page table (8 bytes a block, beside the KV of that block), and the passes of a kernel that shares one
long context out to several processors.
"""

from __future__ import annotations

from mini_lib.config import ModelConfig
from mini_lib.sim.costs_ops import INT64, op
from mini_lib.sim.kernel_cost import KernelCost, StepShape


def attention_kernels(config: ModelConfig, shape: StepShape, itemsize: int) -> tuple[KernelCost, KernelCost]:
    """Return the kernel that writes this step's keys and values, and the one that reads all of them.

    A query and a position cost 4 operations per channel: a multiply and an add for the score, and for the sum of
    values. The exact model hashes instead, in integers, which count as no arithmetic here.
    """
    keys = shape.num_tokens * config.kv_size * itemsize
    queries = shape.num_tokens * config.q_size * itemsize
    seen = 2 * shape.kv_tokens * config.kv_size * itemsize
    ids = shape.num_tokens * INT64
    write = op("mini_lib.kv_write", keys, keys, ids, keys, keys, splits=True)
    if config.family == "exact":
        return write, op("mini_lib.paged_hash", queries, seen, ids, ids, queries, splits=True)
    read = op("mini_lib.paged_attention", queries, seen, ids, ids, queries, splits=True)
    return write, read._replace(flops=4 * shape.attended * config.q_size)
